//! What the shop sells. All of it is made up.

use std::fmt;

/// A thing that the shop sells.
#[derive(Debug)]
pub(crate) struct Good {
    /// Its name in addresses and sessions.
    pub(crate) slug: &'static str,
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) price: Price,
    pub(crate) line: &'static str,
    pub(crate) story: &'static str,
    pub(crate) details: [&'static str; 3],
    /// An SVG drawing.
    pub(crate) drawing: &'static str,
}

/// A price in whole euros.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Price(pub(crate) u32);

impl Price {
    pub(crate) fn times(self, quantity: u32) -> Self {
        Self(self.0 * quantity)
    }
}

impl std::iter::Sum for Price {
    fn sum<I: Iterator<Item = Self>>(prices: I) -> Self {
        Self(prices.map(|price| price.0).sum())
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "€ {}", self.0)
    }
}

/// Finds a thing by its slug.
pub(crate) fn find(slug: &str) -> Option<&'static Good> {
    GOODS.iter().find(|good| good.slug == slug)
}

pub(crate) static GOODS: [Good; 8] = [
    Good {
        slug: "lamplighter",
        name: "Lamplighter",
        kind: "Wool coat",
        price: Price(248),
        line: "A long coat for short days.",
        story: "Cut for someone who walks the same street every evening and is never in a hurry. The collar stands up \
                by itself when the wind turns.",
        details: [
            "Heavy wool, moss green, lined in plum",
            "Four buttons, one spare in the hem",
            "A loop that holds on any hook",
        ],
        drawing: include_str!("../static/goods/lamplighter.svg"),
    },
    Good {
        slug: "puddle",
        name: "Puddle",
        kind: "Raincoat",
        price: Price(129),
        line: "For people who do not walk around them.",
        story: "The yellow of a good mood. Two pockets deep enough for a paperback each, and a hood that lets you look \
                both ways.",
        details: [
            "Waxed cotton, buttercup yellow",
            "Wooden toggles, opened with gloves on",
            "Drips on the mat, never inside",
        ],
        drawing: include_str!("../static/goods/puddle.svg"),
    },
    Good {
        slug: "drizzle",
        name: "Drizzle",
        kind: "Umbrella",
        price: Price(64),
        line: "Wide enough for a conversation.",
        story: "Eight ribs, one bent handle, and enough cloth for two who like each other. It has been left behind \
                everywhere, and always brought back.",
        details: ["Canopy of 112 centimetres", "Handle of steamed ash", "Turns inside out, and back again"],
        drawing: include_str!("../static/goods/drizzle.svg"),
    },
    Good {
        slug: "stationmaster",
        name: "Stationmaster",
        kind: "Bowler hat",
        price: Price(89),
        line: "Punctual, and a little round.",
        story: "Lifted once for every train that leaves on time. It has seen few such mornings, and keeps its shape \
                regardless.",
        details: ["Fur felt, midnight blue", "Ribbon in marmalade grosgrain", "Sits still at a trot"],
        drawing: include_str!("../static/goods/stationmaster.svg"),
    },
    Good {
        slug: "marmalade",
        name: "Marmalade",
        kind: "Scarf",
        price: Price(45),
        line: "Two metres of breakfast.",
        story: "Knitted in the order in which a toast is made: butter first, then peel. Long enough to be stepped on, \
                warm enough to be forgiven.",
        details: ["Lambswool, hand-knotted fringe", "Goes round twice", "Does not taste of anything"],
        drawing: include_str!("../static/goods/marmalade.svg"),
    },
    Good {
        slug: "ferryman",
        name: "Ferryman",
        kind: "Satchel",
        price: Price(156),
        line: "Carries everything across.",
        story: "One strap, one buckle, and a pocket for the return ticket. Whatever goes in on one side of the river \
                comes out on the other.",
        details: [
            "Saddle leather that darkens with you",
            "Fits a folder, a loaf and a lamp",
            "Brass buckle, quiet",
        ],
        drawing: include_str!("../static/goods/ferryman.svg"),
    },
    Good {
        slug: "snowdrop",
        name: "Snowdrop",
        kind: "Mittens",
        price: Price(38),
        line: "Never lost one at a time.",
        story: "Joined by a string through the sleeves, as they should be at any age. Throwing is possible, counting \
                money is not.",
        details: ["Boiled wool, frost blue", "One string, one metre fifty", "Thumbs on the correct sides"],
        drawing: include_str!("../static/goods/snowdrop.svg"),
    },
    Good {
        slug: "wanderer",
        name: "Wanderer",
        kind: "Boots",
        price: Price(182),
        line: "They know the way home.",
        story: "Resoled by the same cobbler since the first pair. Stiff for a week, and then yours for years.",
        details: ["Oiled leather, chestnut", "Laces of waxed hemp", "Heels that announce you"],
        drawing: include_str!("../static/goods/wanderer.svg"),
    },
];
