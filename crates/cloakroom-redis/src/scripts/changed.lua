-- What else a change does to the record.
if place_until and place_until > 0 and place_until < seconds * 1000000 + micros then return 'R' end
if is_question == 1 then return 'Q' end
if accessed < at then accessed = at end
if new_interval > 0 then interval = new_interval end
if kind_at <= #head then texts = sub(texts, 1, length) .. sub(head, kind_at) end
if fate == 1 then
  if kind == RENEW then
    before, previous = 2, pack('>Bc32I6c16', 2, proof, at + grace, new_seed)
  else
    before, previous = 1, pack('>Bc32I6', asks == proof and 3 or 4, proof, at + grace)
    if asks ~= proof then previous = previous .. asks end
    texts, length, signed_in = new_principal .. sub(texts, length + 1), #new_principal, at
  end
  proof, issued = next_proof, at
end
if previous and (fate == 1 or clear == 1) then
  fields[#fields + 1] = PREVIOUS
  fields[#fields + 1] = previous
end
