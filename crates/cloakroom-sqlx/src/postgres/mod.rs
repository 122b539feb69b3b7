//! PostgreSQL: for services on several machines.

mod answer;
mod argument;
mod call;
mod commit;
mod connections;
mod damaged;
mod ended;
mod error;
mod feed;
mod function;
mod load;
mod place;
mod schema;
mod terms;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use cloakroom_core::{
    About, Commit, Ended, Error, Feed, Handle, Invalidate, Invalidated, Load, Loaded, Outcome, Principal,
    SessionInfo, Store, Sweep,
};
use sqlx::PgPool;

use self::argument::Argument;
use self::connections::{Connections, Hosts, Own};
use self::damaged::Damaged;
pub(crate) use self::error::kind as error_kind;
use self::function::{Function, Functions};
use self::place::Place;
use crate::error::failed;
use crate::namespace::{InvalidNamespace, Namespace};

/// Keeps sessions in a PostgreSQL database.
///
/// A clone is the same store. See the [crate] for guarantees, durability and cost.
///
/// # Examples
///
/// ```no_run
/// use cloakroom_core::Store as _;
/// use cloakroom_sqlx::PostgresStore;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let store = PostgresStore::connect("postgres://app:secret@127.0.0.1/app").await?;
/// store.ping().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PostgresStore {
    connections: Connections,
    place: Place,
    functions: Arc<Functions>,
    is_behind_pooler: bool,
    /// Whether the feeds are told of changes.
    tells: bool,
    is_ready: Arc<AtomicBool>,
}

impl PostgresStore {
    /// Connects to a database, and creates the tables and functions where they do not exist.
    ///
    /// Several processes may do so at the same time. The store has connections of its own, 10 at most; see
    /// [`max_connections`](Self::max_connections).
    ///
    /// The URL may name several hosts, separated by commas: `postgres://app:secret@one:5432,two:5432/app`. The store works with
    /// the one that takes writes, and looks for it again whenever that one is gone or takes no more. Beside the parameters
    /// that sqlx knows, it takes `connect_timeout`: how many seconds an attempt to connect may take, 5 unless set.
    ///
    /// # Errors
    ///
    /// When the URL is none, no host takes writes, or the tables cannot be created.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        let store = Self::connect_lazy(url)?;
        store.migrate().await?;
        Ok(store)
    }

    /// Takes a URL as [`connect`](Self::connect) does, but neither connects yet nor creates anything.
    ///
    /// # Errors
    ///
    /// When the URL is none.
    pub fn connect_lazy(url: &str) -> Result<Self, Error> {
        let hosts = Hosts::parse(url).map_err(|error| failed("connect", error))?;
        Ok(Self::with(Connections::Own(Arc::new(Own::with_defaults(hosts)))))
    }

    /// Takes a pool of your own. Nothing is read or written yet.
    ///
    /// The tables must exist before the first use: call [`migrate`](Self::migrate), or run the SQL of
    /// [`schema`](Self::schema) among your own migrations. Otherwise every operation fails with
    /// [`ErrorKind::Refused`](cloakroom_core::ErrorKind::Refused).
    ///
    /// A pool costs more than the connections that [`connect`](Self::connect) makes, and follows no failover to another host.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use cloakroom_sqlx::PostgresStore;
    /// use sqlx::PgPool;
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = PgPool::connect("postgres://app:secret@127.0.0.1/app").await?;
    /// let store = PostgresStore::new(pool).namespace("shop")?;
    /// store.migrate().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self::with(Connections::Pool(pool))
    }

    fn with(connections: Connections) -> Self {
        let place = Place::default();
        Self {
            connections,
            functions: Arc::new(Functions::new(&place, false)),
            place,
            is_behind_pooler: false,
            tells: false,
            is_ready: Arc::default(),
        }
    }

    /// Sets what the names of tables and functions begin with: `shop` makes `shop_sessions`. `cloakroom` unless set.
    ///
    /// Sessions of different namespaces never meet. Each needs tables of its own: call [`migrate`](Self::migrate) after
    /// this.
    ///
    /// # Errors
    ///
    /// Unless it is 1 to 40 lower-case ASCII letters, digits and underscores, beginning with a letter.
    pub fn namespace(self, namespace: &str) -> Result<Self, InvalidNamespace> {
        let namespace = Namespace::new(namespace)?;
        Ok(self.at(|place| place.namespace = namespace))
    }

    /// Sets the schema that the tables and functions are in. Unless it is set, the connection's search path decides.
    ///
    /// [`migrate`](Self::migrate) creates it where it does not exist.
    ///
    /// # Errors
    ///
    /// Unless it is 1 to 40 lower-case ASCII letters, digits and underscores, beginning with a letter.
    pub fn in_schema(self, schema: &str) -> Result<Self, InvalidNamespace> {
        let schema = Namespace::new(schema)?;
        Ok(self.at(|place| place.schema = Some(schema)))
    }

    /// Sets whether there is a pooler in between that changes the server connection after each transaction, such as `PgBouncer`
    /// with `pool_mode = transaction`. False unless set.
    ///
    /// Then the store prepares no statements: it writes arguments into their text, and the server answers in text. That
    /// doubles the bytes of values on the wire, and is still one round trip. Behind a pooler that prepares statements itself
    /// (`PgBouncer` 1.21 with `max_prepared_statements`) it is not needed.
    ///
    /// **So values and the hashes of tickets stand in the statements**, and a seed while a ticket is renewed. Whoever logs
    /// statements logs these: sqlx does, at debug level and as a warning where one takes longer than a second, unless the pool
    /// is told not to; [`connect`](Self::connect) makes connections that do not. On the server, `log_statement`,
    /// `log_min_duration_statement` and its like show them, and so does `pg_stat_activity`, to those who may look.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use cloakroom_sqlx::PostgresStore;
    /// use sqlx::ConnectOptions as _;
    /// use sqlx::postgres::{PgConnectOptions, PgPool};
    ///
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let options: PgConnectOptions = "postgres://app:secret@pooler:6432/app".parse()?;
    /// let options = options.extra_float_digits(None).disable_statement_logging();
    /// let store = PostgresStore::new(PgPool::connect_lazy_with(options)).behind_pooler(true);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn behind_pooler(mut self, is_behind_pooler: bool) -> Self {
        self.is_behind_pooler = is_behind_pooler;
        self
    }

    /// Sets how many connections the store has at most: 10 unless set, at least 1.
    ///
    /// They are opened when they are needed. For a store made by [`new`](Self::new) the pool's own setting counts, and this
    /// one does nothing.
    #[must_use]
    pub fn max_connections(mut self, max: u32) -> Self {
        if let Connections::Own(own) = &self.connections {
            self.connections = Connections::Own(Arc::new(own.with_max(max)));
        }
        self
    }

    /// Creates the tables and functions where they do not exist, and replaces functions of an earlier version; otherwise does
    /// nothing. Any number of processes may call it at once. Where the tables exist, it does not wait for those who use them.
    ///
    /// # Errors
    ///
    /// When the backend fails, or the tables there are of a layout that this version does not know.
    pub async fn migrate(&self) -> Result<(), Error> {
        const MIGRATE: &str = "migrate";
        self.create_schema(MIGRATE).await?;
        self.ready(MIGRATE).await
    }

    /// Returns the SQL that [`migrate`](Self::migrate) runs, to be put among your own migrations. Running it again changes
    /// nothing, and does not wait for those who use the tables.
    #[must_use]
    pub fn schema(&self) -> String {
        schema::text(&self.place)
    }

    /// Tells of every commit and every end by `NOTIFY`, so that the store has a [`feed`](Store::feed). Nothing is told unless
    /// set.
    ///
    /// **Every node must set it** that shares the namespace: what is changed through one that does not is not told, and stays
    /// in the caches of the others until the session is next changed or read anew. So deploy this everywhere first, and the
    /// caches afterwards. See [telling of changes](crate#telling-of-changes) for what it costs.
    ///
    /// The feed takes one more connection, which must lead to the server itself. A store that is
    /// [behind a pooler](Self::behind_pooler) tells its changes, but has no feed.
    #[must_use]
    pub fn tell_changes(mut self) -> Self {
        self.tells = true;
        self.functions = Arc::new(Functions::new(&self.place, true));
        self
    }

    fn at(mut self, change: impl FnOnce(&mut Place)) -> Self {
        change(&mut self.place);
        self.functions = Arc::new(Functions::new(&self.place, self.tells));
        self.is_ready = Arc::default();
        self
    }

    /// Calls a function and reads its answer.
    async fn ask<T>(
        &self,
        during: &'static str,
        function: &Function,
        arguments: &[Argument<'_>],
        read: impl FnOnce(Bytes) -> Result<T, Damaged> + Send,
    ) -> Result<T, Error> {
        let answer = self.call(during, function, arguments).await?;
        read(answer).map_err(|damaged| failed(during, damaged.into()))
    }
}

impl Store for PostgresStore {
    fn about(&self) -> About {
        About { backend: "postgres", namespace: self.place.namespace.shared() }
    }

    async fn load(&self, load: &Load) -> Result<Loaded, Error> {
        let arguments = load::arguments(load);
        self.ask("load", &self.functions.load, &arguments, |answer| load::loaded(answer, load)).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        let arguments = commit::arguments(commit);
        self.ask("commit", &self.functions.commit, &arguments, |answer| commit::outcome(answer, commit)).await
    }

    async fn invalidate(&self, invalidate: &Invalidate) -> Result<Invalidated, Error> {
        let functions = &self.functions;
        let (function, arguments) = match invalidate {
            Invalidate::Ticket(guard) => (
                &functions.end_by_ticket,
                vec![Argument::Handle(Some(guard.handle)), Argument::Bytes(guard.proof.as_bytes())],
            ),
            Invalidate::Handle { handle, owner } => (
                &functions.end_by_handle,
                vec![Argument::Handle(Some(*handle)), Argument::Text(owner.as_ref().map(Principal::as_str))],
            ),
            Invalidate::Principal { principal, except } => (
                &functions.end_all_of,
                vec![Argument::Text(Some(principal.as_str())), Argument::Handle(*except)],
            ),
            Invalidate::Everyone => (&functions.end_everyones, Vec::new()),
        };
        self.ask("invalidate", function, &arguments, ended::invalidated).await
    }

    async fn sessions_of(&self, principal: &Principal) -> Result<Vec<SessionInfo>, Error> {
        let arguments = [Argument::Text(Some(principal.as_str()))];
        self.ask("sessions of a principal", &self.functions.sessions_of, &arguments, ended::infos).await
    }

    async fn sweep(&self, sweep: &Sweep) -> Result<Vec<Ended>, Error> {
        let arguments = [
            Argument::Number(Some(sweep.limit.into())),
            Argument::Number(sweep.lease.map(terms::millis)),
            load::wanted(&sweep.select.values),
            load::flags(&sweep.select),
        ];
        let answers = self.call_for_rows("sweep", &self.functions.sweep, &arguments).await?;
        let known = load::known(&sweep.select.values);
        let each = answers.into_iter().map(|answer| ended::ended_one(answer, known));
        Ok(each.filter_map(ended::readable).collect())
    }

    async fn acknowledge(&self, handles: &[Handle]) -> Result<(), Error> {
        let arguments = [Argument::Handles(handles)];
        self.ask("acknowledge", &self.functions.acknowledge, &arguments, |_| Ok(())).await
    }

    async fn ping(&self) -> Result<(), Error> {
        self.sign_of_life("ping").await
    }

    fn feed(&self) -> Option<Feed> {
        let can_listen = self.tells && !self.is_behind_pooler;
        can_listen.then(|| feed::feed(self.clone()))
    }
}
