//! The goals, and how a run stands to them.

use std::fmt;

use crate::case::{Case, Kind, Size};
use crate::figures::{Figures, Run};
use benches::protocol::Workload;

const OURS: &str = "cloakroom";
const FLOOR: &str = "floor";
/// What is no peer.
const NO_PEERS: [&str; 5] = [OURS, FLOOR, "floor-throttled", "bare", "nothing"];
/// How much more a request may cost on a larger session.
const GROWTH: f64 = 1.10;
/// Bytes of a round trip beside those that were asked for.
const AROUND: f64 = 300.0;

/// A goal of a case, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) case: Case,
    pub(crate) against: String,
    pub(crate) figure: Figure,
    pub(crate) ratio: f64,
    pub(crate) limit: Limit,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    Instructions,
    StoreCpu,
    Bytes,
    RoundTrips,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

impl Verdict {
    pub(crate) fn is_met(&self) -> bool {
        match self.limit {
            Limit::AtMost(most) => self.ratio <= most,
            Limit::AtLeast(least) => self.ratio >= least,
        }
    }
}

/// Compares a run with the goals, as far as it has measured what they are about.
pub(crate) fn verdicts(run: &Run) -> Vec<Verdict> {
    let goals = Goals { run };
    let ours: Vec<&Case> =
        run.measured.iter().map(|measured| &measured.case).filter(|case| case.subject == OURS).collect();
    ours.into_iter().flat_map(|case| goals.of(case)).collect()
}

struct Goals<'a> {
    run: &'a Run,
}

impl Goals<'_> {
    fn of(&self, case: &Case) -> Vec<Verdict> {
        let all = [
            self.floor(case),
            self.plain(case),
            self.best_peer(case),
            self.every_peer(case),
            self.store_cpu(case),
            self.bytes(case),
            self.round_trips(case),
            self.growth(case),
        ];
        all.into_iter().flatten().collect()
    }

    fn floor(&self, case: &Case) -> Option<Verdict> {
        use Workload::{ChangeOne, ReadFiveChangeTwo, ReadOne};
        let most = match (case.store, case.workload, case.size) {
            (Kind::Redis, ReadOne | ChangeOne, Size::KB_3 | Size::KB_200) => 1.15,
            (Kind::Redis, ReadFiveChangeTwo, Size::KB_3) => 1.15,
            (Kind::Postgres | Kind::Sqlite, ReadOne | ChangeOne, Size::KB_200) => 1.2,
            _ => return None,
        };
        self.instructions(case, &as_subject(case, FLOOR), Limit::AtMost(most))
    }

    /// Against axum without sessions.
    fn plain(&self, case: &Case) -> Option<Verdict> {
        let plain = |subject: &str, size| Case::new(Kind::Memory, subject, Workload::Unused, size);
        let usual = Size::USUAL.contains(&case.size);
        match (case.store, case.workload) {
            (_, Workload::Unused) => {
                self.instructions(case, &plain("nothing", case.size), Limit::AtMost(1.10))
            }
            (Kind::Memory, Workload::ReadOne) if usual => {
                self.instructions(case, &plain("bare", Size::KB_3), Limit::AtMost(1.65))
            }
            (Kind::Memory, Workload::ChangeOne) if usual => {
                self.instructions(case, &plain("bare", Size::KB_3), Limit::AtMost(1.9))
            }
            _ => None,
        }
    }

    fn best_peer(&self, case: &Case) -> Option<Verdict> {
        use Workload::{ChangeOne, ReadOne};
        let least = match (case.store, case.workload, case.size) {
            (Kind::Redis, ReadOne, Size::KB_3) => 1.8,
            (Kind::Redis, ReadOne, Size::KB_200) => 25.0,
            (Kind::Redis, ChangeOne, Size::KB_3) => 1.5,
            (Kind::Redis, ChangeOne, Size::KB_200) => 18.0,
            (Kind::Postgres | Kind::Sqlite, ReadOne | ChangeOne, Size::KB_200) => 8.0,
            _ => return None,
        };
        let best = best(self.peers(case).filter(|(peer, _)| self.is_comparable(peer)))?;
        self.advantage(case, best, least)
    }

    fn every_peer(&self, case: &Case) -> Option<Verdict> {
        let is_asked = match (case.store, case.workload) {
            (_, Workload::Unused) => true,
            (Kind::Redis, Workload::ReadFiveChangeTwo) => case.size == Size::KB_3,
            (Kind::Memory, Workload::ReadOne | Workload::ChangeOne) => true,
            _ => false,
        };
        let best = best(self.peers(case).filter(|_| is_asked))?;
        self.advantage(case, best, 1.0)
    }

    fn store_cpu(&self, case: &Case) -> Option<Verdict> {
        let is_asked = case.store == Kind::Redis
            && match case.workload {
                Workload::ReadOne | Workload::ChangeOne => matches!(case.size, Size::KB_3 | Size::KB_200),
                Workload::ReadFiveChangeTwo => case.size == Size::KB_3,
                _ => false,
            };
        let floor = as_subject(case, FLOOR);
        let ratios = self
            .run
            .of(case)?
            .ratios(self.run.of(&floor)?, |round| round.store_cpu_micros)
            .filter(|_| is_asked)?;
        Some(verdict(case, &floor.to_string(), Figure::StoreCpu, ratios.median, Limit::AtMost(1.2)))
    }

    fn bytes(&self, case: &Case) -> Option<Verdict> {
        let figures = self.run.of(case)?;
        let trips = figures.round_trips?;
        let bytes = figures.bytes_to_store? + figures.bytes_from_store?;
        let allowed = touched(case) + AROUND * trips;
        let against = format!("touched bytes + {AROUND} for each round trip");
        (trips > 0.0).then(|| verdict(case, &against, Figure::Bytes, bytes / allowed, Limit::AtMost(1.0)))
    }

    fn round_trips(&self, case: &Case) -> Option<Verdict> {
        let is_asked = case.store == Kind::Redis && case.workload == Workload::ReadFiveChangeTwo;
        let trips = self.run.of(case)?.round_trips.filter(|_| is_asked)?;
        Some(verdict(case, "one", Figure::RoundTrips, trips, Limit::AtMost(2.0)))
    }

    fn growth(&self, case: &Case) -> Option<Verdict> {
        let is_asked =
            matches!(case.workload, Workload::ReadOne | Workload::ChangeOne) && case.size != Size::KB_3;
        let small = Case { size: Size::KB_3, ..case.clone() };
        self.instructions(case, &small, Limit::AtMost(GROWTH)).filter(|_| is_asked)
    }

    fn instructions(&self, case: &Case, against: &Case, limit: Limit) -> Option<Verdict> {
        let ratio = self.run.of(case)?.instructions? / self.run.of(against)?.instructions?;
        Some(verdict(case, &against.to_string(), Figure::Instructions, ratio, limit))
    }

    fn advantage(&self, case: &Case, (peer, instructions): (&Case, f64), least: f64) -> Option<Verdict> {
        let ratio = instructions / self.run.of(case)?.instructions?;
        Some(verdict(case, &peer.to_string(), Figure::Instructions, ratio, Limit::AtLeast(least)))
    }

    /// Returns what the peers took for the same.
    fn peers(&self, case: &Case) -> impl Iterator<Item = (&Case, f64)> {
        let is_peer = move |other: &Case| {
            !NO_PEERS.contains(&other.subject.as_str()) && *other == as_subject(case, &other.subject)
        };
        let measured = self.run.measured.iter().filter(move |measured| is_peer(&measured.case));
        measured.filter_map(|measured| Some((&measured.case, measured.figures.instructions?)))
    }

    fn is_comparable(&self, peer: &Case) -> bool {
        let mut listed = self.run.subjects.iter();
        listed.any(|it| it.subject == peer.subject && it.store == peer.store.name() && it.comparable)
    }
}

fn best<'a>(peers: impl Iterator<Item = (&'a Case, f64)>) -> Option<(&'a Case, f64)> {
    peers.min_by(|(_, one), (_, other)| one.total_cmp(other))
}

fn verdict(case: &Case, against: &str, figure: Figure, ratio: f64, limit: Limit) -> Verdict {
    Verdict { case: case.clone(), against: against.to_owned(), figure, ratio, limit }
}

fn as_subject(case: &Case, subject: &str) -> Case {
    Case { subject: subject.to_owned(), ..case.clone() }
}

/// Returns the bytes of the names and values that a request reads and writes, the values as MessagePack: what Cloakroom's
/// own limits count as well.
fn touched(case: &Case) -> f64 {
    const COUNTER: u64 = 7 + 5;
    let Size { attributes, bytes } = case.size;
    let head = match bytes {
        0..32 => 1,
        32..256 => 2,
        256..65_536 => 3,
        _ => 5,
    };
    let filling = 12 + head + bytes;
    let all = match case.workload {
        Workload::Unused => 0,
        Workload::ReadOne | Workload::NewSession => COUNTER,
        Workload::ChangeOne => 2 * COUNTER,
        Workload::ReadFiveChangeTwo => 2 * COUNTER + 5 * filling,
        Workload::ChangeLarge => 2 * filling,
        Workload::TouchAll => COUNTER + 2 * attributes * filling,
    };
    all as f64
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Instructions => "instructions",
            Self::StoreCpu => "the store's CPU",
            Self::Bytes => "bytes",
            Self::RoundTrips => "round trips",
        })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(most) => write!(f, "≤ {most:.2}"),
            Self::AtLeast(least) => write!(f, "≥ {least:.1}, fewer"),
        }
    }
}

impl Figures {
    /// Returns the bytes to and from the store.
    pub(crate) fn bytes(&self) -> Option<f64> {
        Some(self.bytes_to_store? + self.bytes_from_store?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Measured;
    use benches::listed::Listed;

    fn run(figures: &[(&str, f64)]) -> Run {
        let measured = |&(case, instructions): &(&str, f64)| {
            let figures = Figures { instructions: Some(instructions), ..Figures::default() };
            Measured { case: case.parse().unwrap(), figures }
        };
        let peer = |subject: &str, comparable| Listed {
            subject: subject.to_owned(),
            version: String::new(),
            store: "redis".to_owned(),
            comparable,
            note: String::new(),
            workloads: None,
            needs: None,
        };
        Run {
            subjects: vec![peer("works", true), peer("stale", false)],
            measured: figures.iter().map(measured).collect(),
            ..Run::default()
        }
    }

    fn met(run: &Run) -> Vec<(String, bool)> {
        verdicts(run).into_iter().map(|verdict| (verdict.against.clone(), verdict.is_met())).collect()
    }

    #[test]
    fn a_goal_is_met_up_to_its_ratio() {
        let floor = ("redis/floor/read-one/3k", 1_000.0);
        let met = |ours| met(&run(&[floor, ("redis/cloakroom/read-one/3k", ours)]));
        assert_eq!(met(1_150.0), [(floor.0.to_owned(), true)]);
        assert_eq!(met(1_151.0), [(floor.0.to_owned(), false)]);
    }

    #[test]
    fn the_best_peer_is_one_whose_sessions_expire_and_are_never_stale() {
        let peers = [("redis/works/change-one/3k", 1_500.0), ("redis/stale/change-one/3k", 10.0)];
        let run = run(&[peers[0], peers[1], ("redis/cloakroom/change-one/3k", 1_000.0)]);
        assert_eq!(met(&run), [(peers[0].0.to_owned(), true)]);
    }

    #[test]
    fn every_peer_is_every_peer() {
        let peers = [("redis/works/unused/3k", 1_500.0), ("redis/stale/unused/3k", 999.0)];
        let run = run(&[peers[0], peers[1], ("redis/cloakroom/unused/3k", 1_000.0)]);
        assert_eq!(met(&run), [(peers[1].0.to_owned(), false)]);
    }

    #[test]
    fn a_larger_session_may_cost_little_more() {
        let of = |large| {
            run(&[("redis/cloakroom/read-one/3k", 1_000.0), ("redis/cloakroom/read-one/1000x1000", large)])
        };
        assert_eq!(met(&of(1_100.0)), [("redis/cloakroom/read-one/3k".to_owned(), true)]);
        assert!(!met(&of(1_101.0))[0].1);
    }

    #[test]
    fn touched_bytes_are_those_read_and_written() {
        let touched = |case: &str| touched(&case.parse().unwrap());
        assert_eq!(touched("redis/cloakroom/read-one/200k"), 12.0);
        assert_eq!(touched("redis/cloakroom/change-large/3k"), 630.0);
        assert_eq!(touched("redis/cloakroom/read-five-change-two/3k"), 1_599.0);
    }
}
