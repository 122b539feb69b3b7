use std::collections::HashMap;

use redis::{RedisResult, Value};

use crate::client::Link;

/// Which server has which slots, as far as is known.
#[derive(Debug, Default)]
pub(super) struct Topology {
    ranges: Vec<Range>,
    links: HashMap<(String, u16), Link>,
    /// The host that told of it.
    host: String,
}

/// A host and a port.
pub(crate) type Address = (String, u16);

/// Returns the addresses of the primaries, in order, each once.
pub(super) fn addresses(ranges: &[Range]) -> Vec<&Address> {
    let mut addresses: Vec<_> = ranges.iter().map(|range| &range.address).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

/// Slots in a row, and their primary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range {
    first: u16,
    last: u16,
    address: (String, u16),
}

impl Topology {
    pub(super) fn primary(&self, slot: u16) -> Option<Link> {
        let after = self.ranges.partition_point(|range| range.first <= slot);
        let range = self.ranges[..after].last().filter(|range| slot <= range.last)?;
        self.links.get(&range.address).cloned()
    }

    pub(super) fn primaries(&self) -> Vec<Link> {
        self.named_primaries().into_iter().map(|(_, link)| link).collect()
    }

    /// Returns the primaries with their addresses, in their order.
    pub(super) fn named_primaries(&self) -> Vec<(Address, Link)> {
        let named = addresses(&self.ranges);
        let links = named.into_iter().filter_map(|address| Some((address.clone(), self.links.get(address)?)));
        links.map(|(address, link)| (address, link.clone())).collect()
    }

    /// Returns the ways to all servers that are known.
    pub(super) fn links(&self) -> Vec<(String, Link)> {
        self.links.iter().map(|((host, _), link)| (host.clone(), link.clone())).collect()
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Returns the way to a server, which is made if there is none.
    pub(super) fn link(
        &mut self,
        host: &str,
        port: u16,
        make: impl FnOnce() -> RedisResult<Link>,
    ) -> RedisResult<Link> {
        let address = (host.to_owned(), port);
        if let Some(link) = self.links.get(&address) {
            return Ok(link.clone());
        }
        let link = make()?;
        self.links.insert(address, link.clone());
        Ok(link)
    }

    /// Takes over what a host has told. Connections to servers that are still there are kept.
    pub(super) fn update(
        &mut self,
        host: String,
        ranges: Vec<Range>,
        make: impl Fn(String, u16) -> RedisResult<Link>,
    ) -> RedisResult<()> {
        let mut links = HashMap::new();
        for Range { address, .. } in &ranges {
            if links.contains_key(address) {
                continue;
            }
            let link = match self.links.get(address) {
                Some(link) => link.clone(),
                None => make(address.0.clone(), address.1)?,
            };
            links.insert(address.clone(), link);
        }
        *self = Self { ranges, links, host };
        Ok(())
    }
}

/// Reads the answer to `CLUSTER SLOTS`; `None` if it is anything else. An address without a host is that of the one who
/// tells.
pub(super) fn decode(slots: Value, host: &str) -> Option<Vec<Range>> {
    let Value::Array(slots) = slots else {
        return None;
    };
    let mut ranges = slots.into_iter().map(|range| decode_range(range, host)).collect::<Option<Vec<_>>>()?;
    ranges.sort_unstable_by_key(|range| range.first);
    Some(ranges)
}

fn decode_range(range: Value, host: &str) -> Option<Range> {
    let Value::Array(parts) = range else {
        return None;
    };
    let [Value::Int(first), Value::Int(last), Value::Array(primary), ..] = &parts[..] else {
        return None;
    };
    let [name, Value::Int(port), ..] = &primary[..] else {
        return None;
    };
    let name = match name {
        Value::BulkString(name) => String::from_utf8(name.clone()).ok()?,
        _ => String::new(),
    };
    let name = if name.is_empty() || name == "?" { host.to_owned() } else { name };
    let address = (name, u16::try_from(*port).ok()?);
    Some(Range { first: u16::try_from(*first).ok()?, last: u16::try_from(*last).ok()?, address })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: i64, last: i64, host: Value, port: i64) -> Value {
        let node = Value::Array(vec![host, Value::Int(port), Value::BulkString(b"id".to_vec())]);
        Value::Array(vec![Value::Int(first), Value::Int(last), node.clone(), node])
    }

    #[test]
    fn ranges_are_read_in_order() {
        let host = |name: &str| Value::BulkString(name.as_bytes().to_vec());
        let slots = Value::Array(vec![range(5, 9, host("b"), 2), range(0, 4, Value::Nil, 1)]);
        let expected = [
            Range { first: 0, last: 4, address: ("here".into(), 1) },
            Range { first: 5, last: 9, address: ("b".into(), 2) },
        ];
        assert_eq!(decode(slots, "here").unwrap(), expected);
        assert_eq!(decode(Value::Nil, "here"), None);
        assert_eq!(decode(Value::Array(vec![Value::Int(1)]), "here"), None);
    }
}
