use std::collections::BTreeMap;

use cloakroom::Attribute;
use serde::{Deserialize, Serialize};

/// A visitor's way through the fitting room: the answers, and the pages visited, in their order.
///
/// Which page follows depends on the answers, so "back" means the page that the visitor came from. Where the visitor is
/// now is in the address, not here: the browser's own back button needs no write.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Questionnaire {
    answers: BTreeMap<String, String>,
    trail: Vec<String>,
}

impl Attribute for Questionnaire {
    const NAME: &'static str = "questionnaire";
}

impl Questionnaire {
    pub(crate) fn start(first: &str) -> Self {
        Self { answers: BTreeMap::new(), trail: vec![first.to_owned()] }
    }

    /// Answers the question on a page that was visited, and leads on to the `next`. An answer that leads elsewhere than
    /// before forgets the way from here on, but not the answers along it.
    pub(crate) fn answer(&mut self, page: &str, choice: &str, next: &str) {
        let Some(position) = self.position(page) else {
            return;
        };
        self.answers.insert(page.to_owned(), choice.to_owned());
        if self.after(page) != Some(next) {
            self.trail.truncate(position + 1);
            self.trail.push(next.to_owned());
        }
    }

    pub(crate) fn answer_to(&self, page: &str) -> Option<&str> {
        self.answers.get(page).map(String::as_str)
    }

    pub(crate) fn has_visited(&self, page: &str) -> bool {
        self.position(page).is_some()
    }

    /// Returns the page furthest along.
    pub(crate) fn furthest(&self) -> Option<&str> {
        self.trail.last().map(String::as_str)
    }

    pub(crate) fn before(&self, page: &str) -> Option<&str> {
        let position = self.position(page)?.checked_sub(1)?;
        self.trail.get(position).map(String::as_str)
    }

    pub(crate) fn after(&self, page: &str) -> Option<&str> {
        self.trail.get(self.position(page)? + 1).map(String::as_str)
    }

    /// Returns the pages of the way, with their answers.
    pub(crate) fn way(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.trail.iter().map(|page| (page.as_str(), self.answer_to(page)))
    }

    fn position(&self, page: &str) -> Option<usize> {
        self.trail.iter().position(|visited| visited == page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(questionnaire: &Questionnaire) -> Vec<&str> {
        questionnaire.way().map(|(page, _)| page).collect()
    }

    #[test]
    fn the_way_goes_back_and_forward() {
        let mut it = Questionnaire::start("a");
        it.answer("a", "yes", "b");
        it.answer("b", "no", "c");
        assert_eq!((it.before("a"), it.after("a")), (None, Some("b")));
        assert_eq!((it.before("c"), it.after("c")), (Some("b"), None));
        assert_eq!(it.furthest(), Some("c"));
    }

    #[test]
    fn the_same_answer_keeps_the_way_and_another_one_leaves_it() {
        let mut it = Questionnaire::start("a");
        it.answer("a", "yes", "b");
        it.answer("b", "no", "c");
        it.answer("a", "yes", "b");
        assert_eq!(pages(&it), ["a", "b", "c"]);
        it.answer("a", "no", "x");
        assert_eq!(pages(&it), ["a", "x"]);
        assert_eq!(it.answer_to("b"), Some("no"), "it may be needed again");
    }

    #[test]
    fn a_page_that_was_not_visited_cannot_be_answered() {
        let mut it = Questionnaire::start("a");
        it.answer("z", "yes", "b");
        assert_eq!(it, Questionnaire::start("a"));
        assert!(!it.has_visited("z"));
    }
}
