//! Timed writes: a store around a store that keeps a session's commits in this node's memory and writes them together.
//!
//! Without it every request that changes its session waits for a write. With [`WriteBehind`] such a commit is answered from
//! memory, and one write every few seconds stands for all of them. It suits sessions whose visitor stays on one server (by a
//! load balancer's affinity: the ticket begins with the session's handle, so that it can route by it), and what may be lost
//! if that server dies.
//!
//! # What it promises
//!
//! - **At most so much is lost**: when the process dies without a word, the commits of the last [`every`] (10 seconds by
//!   default, and never more than a tenth of the session's own max inactive interval), and the time that a write takes. As
//!   long as the store fails, what gathers counts as well.
//! - **Whole or not at all.** What is written together is one atomic commit, in order. So the store always has a state that the
//!   session was in, if perhaps an older one.
//! - **A node reads its own.** Loads on this node show what it holds back, with the versions that the store will have.
//! - **At once** go, after what is held back of the session: creating, signing in, rotating, and ending it; a change of its
//!   max inactive interval; an attribute with a time to live; what expects something (`update`, `take_once`). So do
//!   commits that this node cannot decide on: it has not loaded or written the session in the last 30 seconds; the size of an
//!   attribute that they overwrite is not known, because this node has neither read nor written it at this version; a
//!   limit seems to be passed; the session is about to end; a bound is reached.
//! - **Within bounds.** Past [`max_sessions`] or [`max_bytes`] commits wait for the store, and nothing is dropped.
//! - **Nothing comes back.** A commit that was held back is refused by the store like any other: when the session was
//!   ended on another node, it is counted and logged as lost.
//! - **Stopped in order, nothing is lost**: call [`flush`](WriteBehind::flush) when the last request was answered.
//!
//! # What it gives up
//!
//! - Other nodes see a commit when it is written. A visitor who changes servers within that time sees an older state there;
//!   the version tells. Where both commit meanwhile, neither's different attributes are lost, and for the same one the
//!   later write wins. A version that was told here is then passed over.
//! - An answer to a commit is a promise of this process, and of no other. Three things can break it: the process dies; the
//!   session is ended or signed in elsewhere meanwhile; commits of another node leave no room below a limit. Then all that was
//!   held back of this session is lost together, and its access counts all the same unless it has ended. What expects something
//!   (`update`, `take_once`) is then a conflict until the session's latest state was read here, as both do after one.
//! - What cannot be written until the session would have ended is given up, and counted and logged: it has ended, unless
//!   another node could reach the store. Then, too, what expects something is a conflict at first.
//! - All attributes that were written together have the revision of the last of the commits.
//! - While something is held back, a load's counts include attributes that have lapsed since, if this node has not seen them.
//!
//! # What it costs
//!
//! A load asks the store as ever; a commit that is held back, nothing; what goes at once, one write more where something is held
//! back of the session. In memory: what is held back, and for each session that this node has used in the last minute or so
//! some hundred bytes, and the names of the attributes that it has seen of it. Around a near cache it belongs outside
//! (`WriteBehind` around the cache around the store), so that the cache holds what the store has.
//!
//! Loads always ask the store, so they fail when it does. The other operations are those of the store around which this is.
//! An end, and a list of a principal's sessions, first write what concerns them, and wait for that for half a second at
//! most: what cannot be written is lost with a session that ends, and missing in the list (its label and last access). No end
//! fails because something cannot be written. A sweep does: it would take a session for expired whose last access is held
//! back. A [feed](cloakroom_core::Store::feed) tells of a commit when it is written.
//!
//! # How it works
//!
//! For each session there is a *lane*: what the store had when it was last asked (its version and totals: the *base*), the
//! commits since as one [`Commit`](cloakroom_core::Commit) that stands for all of them, and a lock. Loads share the lock; a
//! write has it alone. So no write begins or ends while a load is under way, and the load's snapshot is one of before all
//! that is held back when it returns: nothing is put over it twice, and nothing is left out. It is put over a snapshot of the
//! base's version only. Any other version means that another node has committed; then what is held back is written first, and
//! the session loaded again with nothing held back.
//!
//! Commits that are held back take no such lock, and wait for nobody. Those that arrive during a write gather as the next one.
//! An operation that goes to the store at once first closes the lane to them, then takes the lock, writes what is held back,
//! and only then does its own; those that arrive meanwhile follow it to the store. So versions count up on this node.
//!
//! A write that gets no answer may have been applied, or may yet be. Its commit keeps its id, and is the first thing to be
//! tried again, by the background task or by whoever next needs to know (a load, too): the store answers a second try as it
//! answered the first.
//!
//! Each commit is checked with the store's own rules ([`Record`](cloakroom_core::Record)) on a copy of the session's record, and
//! must come so long before the session's end, as the store knows it, that it can be written twice over before that. The write
//! tells its age, which is that of the last commit in it; so the access that the store records is the last one.
//!
//! [`every`]: WriteBehindBuilder::every
//! [`max_sessions`]: WriteBehindBuilder::max_sessions
//! [`max_bytes`]: WriteBehindBuilder::max_bytes

mod account;
mod batch;
mod builder;
mod clock;
mod ending;
mod known;
mod lane;
mod overlay;
mod shared;
mod state;
mod store;
mod writer;

pub use self::builder::WriteBehindBuilder;
pub use self::store::WriteBehind;
