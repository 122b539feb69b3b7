use askama::Template;
use axum::Router;
use axum::extract::{Form, Path};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response, Result};
use axum::routing::get;
use cloakroom::{Attr, Error, Flash, Session};
use serde::Deserialize;

use crate::attributes::Questionnaire;
use crate::fitting::{self, Fit, Question, RESULT};
use crate::web::{Page, Visitor};

pub(super) fn pages() -> Router {
    Router::new()
        .route("/fitting", get(door))
        .route("/fitting/{page}", get(ask))
        .route("/fitting/result", get(result))
}

pub(super) fn actions() -> Router {
    Router::new()
        .route("/fitting", axum::routing::post(start))
        .route("/fitting/{page}", axum::routing::post(answer))
}

#[derive(Template)]
#[template(path = "fitting/door.html")]
struct Door {
    /// Where the visitor left off.
    furthest: Option<String>,
}

async fn door(questionnaire: Option<Attr<Questionnaire>>, visitor: Visitor) -> Page<Door> {
    let furthest = questionnaire.and_then(|it| it.furthest().map(str::to_owned));
    Page::new(visitor, "The fitting room", Door { furthest })
}

async fn start(session: Session) -> Result<Redirect, Error> {
    let first = fitting::first().slug;
    session.set(&Questionnaire::start(first))?;
    Ok(to(first))
}

/// The way through the questions, as every page of them shows it.
struct Way {
    passed: Vec<Passed>,
    back: Option<String>,
    forward: Option<String>,
    number: usize,
    of: usize,
}

struct Passed {
    page: String,
    answer: &'static str,
    is_here: bool,
}

#[derive(Template)]
#[template(path = "fitting/question.html")]
struct QuestionPage {
    question: &'static Question,
    chosen: Option<String>,
    way: Way,
}

async fn ask(
    Path(page): Path<String>,
    questionnaire: Attr<Questionnaire>,
    visitor: Visitor,
) -> Result<Response> {
    let question = fitting::question(&page).ok_or(StatusCode::NOT_FOUND)?;
    if !questionnaire.has_visited(&page) {
        return Ok(to_furthest(&questionnaire).into_response());
    }
    let main = QuestionPage {
        question,
        chosen: questionnaire.answer_to(&page).map(str::to_owned),
        way: Way::at(&page, &questionnaire),
    };
    Ok(Page::new(visitor, question.text, main).into_response())
}

#[derive(Template)]
#[template(path = "fitting/result.html")]
struct ResultPage {
    fit: Fit,
    way: Way,
}

async fn result(questionnaire: Attr<Questionnaire>, visitor: Visitor) -> Result<Response> {
    if !questionnaire.has_visited(RESULT) {
        return Ok(to_furthest(&questionnaire).into_response());
    }
    let fit = fitting::fit(&questionnaire).ok_or(StatusCode::NOT_FOUND)?;
    let way = Way::at(RESULT, &questionnaire);
    Ok(Page::new(visitor, "It fits", ResultPage { fit, way }).into_response())
}

#[derive(Deserialize)]
struct Answer {
    choice: Option<String>,
}

/// The attribute comes before the messages: the first extractor loads, and so it loads what is needed.
async fn answer(
    Path(page): Path<String>,
    mut questionnaire: Attr<Questionnaire>,
    mut flash: Flash,
    Form(answer): Form<Answer>,
) -> Result<Redirect> {
    let question = fitting::question(&page).ok_or(StatusCode::NOT_FOUND)?;
    let choice = answer.choice.and_then(|choice| question.choice(&choice));
    let Some(choice) = choice else {
        flash.warning("Please choose one.")?;
        return Ok(to(&page));
    };
    questionnaire.answer(&page, choice.slug, choice.next);
    Ok(to(choice.next))
}

fn to(page: &str) -> Redirect {
    Redirect::to(&format!("/fitting/{page}"))
}

fn to_furthest(questionnaire: &Questionnaire) -> Redirect {
    questionnaire.furthest().map_or_else(|| Redirect::to("/fitting"), to)
}

impl Way {
    fn at(page: &str, questionnaire: &Questionnaire) -> Self {
        let number = questionnaire.way().take_while(|(it, _)| *it != page).count() + 1;
        Self {
            passed: questionnaire.way().filter_map(|it| Passed::of(it, page)).collect(),
            back: questionnaire.before(page).map(str::to_owned),
            forward: questionnaire.after(page).map(str::to_owned),
            number,
            of: number + fitting::pages_after(page, questionnaire),
        }
    }
}

impl Passed {
    fn of((page, answer): (&str, Option<&str>), here: &str) -> Option<Self> {
        let choice = fitting::question(page)?.choice(answer?)?;
        Some(Self { page: page.to_owned(), answer: choice.text, is_here: page == here })
    }
}
