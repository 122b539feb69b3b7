-- What else a create does.
if place_until > 0 and place_until < now_us then return 'R' end
if is_question == 1 then return 'Q' end
if not epoch then
  epoch = new_epoch
  call('SET', KEYS[2], epoch)
end
