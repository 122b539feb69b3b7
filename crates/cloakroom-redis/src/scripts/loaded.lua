-- What a load adds where all values, or all names, are asked for.
reply = { reply }
if everything == 1 then
  add_everything(reply, call('HGETALL', KEYS[1]))
else
  add_names(reply, KEYS[1], lapse, now)
end
return table.concat(reply)
