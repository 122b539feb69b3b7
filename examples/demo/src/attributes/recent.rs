use cloakroom::Attribute;
use serde::{Deserialize, Serialize};

const KEPT: usize = 5;

/// What the visitor has looked at, the latest first.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Recent(Vec<String>);

impl Attribute for Recent {
    const NAME: &'static str = "recent";
}

impl Recent {
    pub(crate) fn saw(&mut self, slug: &str) {
        self.0.retain(|seen| seen != slug);
        self.0.insert(0, slug.to_owned());
        self.0.truncate(KEPT);
    }

    pub(crate) fn except(&self, slug: &str) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str).filter(move |seen| *seen != slug)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_comes_first_and_each_once() {
        let mut recent = Recent::default();
        for slug in ["a", "b", "c", "a", "d", "e", "f"] {
            recent.saw(slug);
        }
        assert_eq!(recent.except("e").collect::<Vec<_>>(), ["f", "d", "a", "c"]);
    }
}
