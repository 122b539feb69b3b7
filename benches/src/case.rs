use crate::Result;

/// One thing that is measured: what is served, and what the client sends.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) app: App,
    /// What the client's session holds. `None`: the client sends no cookie.
    pub(crate) session: Option<Filling>,
    pub(crate) goal: Option<Goal>,
}

/// What answers the requests. All send the same body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum App {
    /// axum without a layer.
    Bare,
    /// axum behind a layer that does nothing.
    Nothing,
    /// axum behind Cloakroom, the session not used.
    Unused,
    /// One small attribute is read.
    ReadOne,
    /// One small attribute is changed.
    ChangeOne,
}

/// What a session holds beside the small attribute.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filling {
    pub(crate) attributes: u64,
    pub(crate) bytes: u64,
}

/// At most so many times the instructions of another case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goal {
    pub(crate) against: &'static str,
    pub(crate) at_most: f64,
}

const KB_3: Filling = Filling { attributes: 10, bytes: 300 };
const KB_200: Filling = Filling { attributes: 50, bytes: 4096 };

/// All of them. What uses the session is compared with an axum that is sent the same cookie.
pub(crate) const CASES: [Case; 10] = [
    case("bare", App::Bare),
    case("bare-cookie", App::Bare).with(KB_3),
    case("nothing", App::Nothing),
    case("nothing-cookie", App::Nothing).with(KB_3),
    case("unused", App::Unused).goal("nothing", 1.10),
    case("unused-cookie", App::Unused).with(KB_3).goal("nothing-cookie", 1.10),
    case("read-one-3k", App::ReadOne).with(KB_3).goal("bare-cookie", 1.65),
    case("read-one-200k", App::ReadOne).with(KB_200).goal("bare-cookie", 1.65),
    case("change-one-3k", App::ChangeOne).with(KB_3).goal("bare-cookie", 1.9),
    case("change-one-200k", App::ChangeOne).with(KB_200).goal("bare-cookie", 1.9),
];

const fn case(name: &'static str, app: App) -> Case {
    Case { name, app, session: None, goal: None }
}

impl Case {
    const fn with(mut self, session: Filling) -> Self {
        self.session = Some(session);
        self
    }

    const fn goal(mut self, against: &'static str, at_most: f64) -> Self {
        self.goal = Some(Goal { against, at_most });
        self
    }

    pub(crate) fn named(name: &str) -> Result<&'static Self> {
        let found = CASES.iter().find(|case| case.name == name);
        found.ok_or_else(|| format!("no case is called {name:?}; there are: {}", names()).into())
    }
}

impl App {
    /// Returns whether Cloakroom is in front of it.
    pub(crate) fn has_sessions(self) -> bool {
        !matches!(self, Self::Bare | Self::Nothing)
    }
}

pub(crate) fn names() -> String {
    CASES.map(|case| case.name).join(", ")
}
