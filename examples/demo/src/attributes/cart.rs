use std::collections::BTreeMap;

use cloakroom::Attribute;
use serde::{Deserialize, Serialize};

/// How many of one thing a cart holds at most.
const MAX_QUANTITY: u32 = 99;

/// What the visitor wants to buy: how many of which thing.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cart {
    quantities: BTreeMap<String, u32>,
}

impl Attribute for Cart {
    const NAME: &'static str = "cart";
}

impl Cart {
    pub(crate) fn add(&mut self, slug: &str, quantity: u32) {
        let before = self.quantities.get(slug).copied().unwrap_or_default();
        self.set(slug, before.saturating_add(quantity));
    }

    /// Sets how many; none takes the thing out.
    pub(crate) fn set(&mut self, slug: &str, quantity: u32) {
        if quantity == 0 {
            self.quantities.remove(slug);
        } else {
            self.quantities.insert(slug.to_owned(), quantity.min(MAX_QUANTITY));
        }
    }

    pub(crate) fn count(&self) -> u32 {
        self.quantities.values().sum()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        self.quantities.iter().map(|(slug, quantity)| (slug.as_str(), *quantity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_add_up_within_bounds() {
        let mut cart = Cart::default();
        cart.add("scarf", 2);
        cart.add("scarf", 1);
        cart.add("hat", u32::MAX);
        assert_eq!(cart.iter().collect::<Vec<_>>(), [("hat", 99), ("scarf", 3)]);
        assert_eq!(cart.count(), 102);
    }

    #[test]
    fn none_of_a_thing_takes_it_out() {
        let mut cart = Cart::default();
        cart.add("scarf", 2);
        cart.set("scarf", 0);
        cart.set("hat", 0);
        assert_eq!(cart, Cart::default());
    }
}
