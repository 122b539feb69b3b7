local time = call('TIME')
local seconds, micros = time[1] + 0, time[2] + 0
local now = seconds * 1000 + (micros - micros % 1000) / 1000
