-- What else a create does.
if place_until > 0 and place_until < seconds * 1000000 + micros then return 'R' end
if is_question == 1 then return 'Q' end
if not epoch then
  epoch = new_epoch
  call('SET', KEYS[2], epoch)
end
