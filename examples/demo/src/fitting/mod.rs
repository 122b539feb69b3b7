//! The fitting room: a few questions, of which the answers decide the next, and in the end a thing that fits.

mod questions;

use self::questions::QUESTIONS;
use crate::attributes::Questionnaire;
use crate::goods::{self, Good};

/// The page after the last question.
pub(crate) const RESULT: &str = "result";

/// A page that asks.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) slug: &'static str,
    pub(crate) text: &'static str,
    pub(crate) hint: &'static str,
    pub(crate) choices: &'static [Choice],
}

/// An answer that can be given.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) slug: &'static str,
    pub(crate) text: &'static str,
    /// The page that it leads to.
    pub(crate) next: &'static str,
    /// The things that it speaks for, the first twice as much.
    speaks_for: &'static [&'static str],
}

/// What the answers amount to: a thing that fits, and one that goes with it.
#[derive(Debug)]
pub(crate) struct Fit {
    pub(crate) thing: &'static Good,
    pub(crate) companion: &'static Good,
}

pub(crate) fn first() -> &'static Question {
    &QUESTIONS[0]
}

pub(crate) fn question(slug: &str) -> Option<&'static Question> {
    QUESTIONS.iter().find(|question| question.slug == slug)
}

impl Question {
    pub(crate) fn choice(&self, slug: &str) -> Option<&'static Choice> {
        self.choices.iter().find(|choice| choice.slug == slug)
    }
}

/// Returns how many pages follow this one, if every question not answered yet is answered with its first choice.
pub(crate) fn pages_after(page: &str, questionnaire: &Questionnaire) -> usize {
    let next = |question: &'static Question| {
        let answer = questionnaire.answer_to(question.slug);
        let choice = answer.and_then(|answer| question.choice(answer)).or(question.choices.first());
        self::question(choice?.next)
    };
    std::iter::successors(question(page), |question| next(question)).skip(1).count()
}

/// Weighs the answers along the way.
pub(crate) fn fit(questionnaire: &Questionnaire) -> Option<Fit> {
    let mut scores: Vec<(u32, &'static Good)> = goods::GOODS.iter().map(|good| (0, good)).collect();
    for (page, answer) in questionnaire.way() {
        let choice = question(page).zip(answer).and_then(|(question, answer)| question.choice(answer));
        for (place, slug) in choice.into_iter().flat_map(|choice| choice.speaks_for).enumerate() {
            let weight = if place == 0 { 2 } else { 1 };
            scores.iter_mut().filter(|(_, good)| good.slug == *slug).for_each(|(score, _)| *score += weight);
        }
    }
    scores.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    match scores[..] {
        [(_, thing), (_, companion), ..] => Some(Fit { thing, companion }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(answers: &[&str]) -> Questionnaire {
        let mut questionnaire = Questionnaire::start(first().slug);
        for answer in answers {
            let page = question(questionnaire.furthest().unwrap()).unwrap();
            let choice = page.choice(answer).unwrap();
            questionnaire.answer(page.slug, choice.slug, choice.next);
        }
        questionnaire
    }

    #[test]
    fn every_choice_leads_somewhere_and_speaks_for_something_that_we_sell() {
        for choice in QUESTIONS.iter().flat_map(|question| question.choices) {
            assert!(choice.next == RESULT || question(choice.next).is_some(), "{choice:?}");
            assert!(choice.speaks_for.iter().all(|slug| goods::find(slug).is_some()), "{choice:?}");
        }
    }

    #[test]
    fn the_answers_along_the_way_decide() {
        let questionnaire = answered(&["rain", "doors", "stroll", "nothing", "midnight"]);
        assert_eq!(questionnaire.furthest(), Some(RESULT));
        let fit = fit(&questionnaire).unwrap();
        assert_eq!((fit.thing.slug, fit.companion.slug), ("stationmaster", "drizzle"));
    }

    #[test]
    fn the_pages_ahead_follow_the_answers() {
        assert_eq!(pages_after("sky", &Questionnaire::start("sky")), 4);
        assert_eq!(pages_after("sky", &answered(&["nothing"])), 3);
        assert_eq!(pages_after("colour", &answered(&["nothing"])), 0);
    }
}
