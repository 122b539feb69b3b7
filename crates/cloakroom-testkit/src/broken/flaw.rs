/// What is wrong with a [`BrokenStore`](super::BrokenStore).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Flaw {
    /// A commit reads the whole session, and writes the whole session back.
    LosesAnUpdate,
    /// A commit to a session that has ended makes it anew.
    Resurrects,
    /// A commit to a session that never was makes it, under the id that a client chose.
    AdoptsAnId,
    /// A load is no access.
    ForgetsToExtend,
    /// A commit is no access.
    ForgetsToExtendOnCommit,
    /// An access or a commit past the deadline still extends the session.
    ExtendsLate,
    /// A load opens a session for a while after its deadline.
    ReturnsTheExpired,
    /// A list of a principal's sessions has those that expired a while ago.
    ListsTheExpired,
    /// A commit of several attributes is two commits.
    TearsACommit,
    /// Whoever knows the handle is let in.
    IgnoresTheGuard,
    /// The ticket from before a sign-in still opens the session.
    AdmitsTheSuperseded,
    /// The ticket from before a renewal opens the session no more.
    ForgetsTheGrace,
    /// The ticket from before a renewal opens the session for ever.
    ForgetsTheEndOfTheGrace,
    /// A touch is throttled by what the caller asks, however short the session's interval.
    ForgetsTheThrottleBound,
    /// A sweep reads what has expired in one step, and removes or claims it in another.
    HandsOutTwice,
    /// A sweep hands out sessions a while before their deadline.
    HandsOutTheLive,
    /// A sweep with a lease removes what it hands out.
    ForgetsTheLease,
    /// An acknowledgement removes live sessions too.
    AcknowledgesTheLive,
    /// A commit that is tried again is applied again.
    AppliesARetryTwice,
    /// Compare-and-set compares nothing.
    IgnoresExpectations,
    /// No limit holds.
    IgnoresLimits,
    /// An attribute is kept as long as its session.
    KeepsTheLapsed,
    /// A sweep leaves out what has lapsed since the session's end.
    ForgetsWhatLapsedLater,
    /// A session that is older than its visitor has seen is absent.
    HidesTheOlder,
    /// The age of a commit that was held back is ignored.
    IgnoresTheAge,
    /// To end a session that has expired leaves no trace, so that a commit that was held back revives it.
    RevivesTheExpired,
    /// Whoever knows the handle of a session that has expired closes it to commits that were held back.
    ClosesForStrangers,
    /// A commit that stands for several counts as one.
    CountsOneForSeveral,
    /// Names are compared without regard to trailing blanks.
    TrimsNames,
    /// The sessions of a principal are counted in one step, and the new one added in another.
    CountsThenSignsIn,
    /// Of a principal's sessions only one is ended.
    EndsOneOfMany,
    /// All namespaces are one.
    SharesNamespaces,
    /// A commit that is dropped midway keeps its lock.
    LeavesALockBehind,
}

impl Flaw {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::LosesAnUpdate,
        Self::Resurrects,
        Self::AdoptsAnId,
        Self::ForgetsToExtend,
        Self::ForgetsToExtendOnCommit,
        Self::ExtendsLate,
        Self::ReturnsTheExpired,
        Self::ListsTheExpired,
        Self::TearsACommit,
        Self::IgnoresTheGuard,
        Self::AdmitsTheSuperseded,
        Self::ForgetsTheGrace,
        Self::ForgetsTheEndOfTheGrace,
        Self::ForgetsTheThrottleBound,
        Self::HandsOutTwice,
        Self::HandsOutTheLive,
        Self::ForgetsTheLease,
        Self::AcknowledgesTheLive,
        Self::AppliesARetryTwice,
        Self::IgnoresExpectations,
        Self::IgnoresLimits,
        Self::KeepsTheLapsed,
        Self::ForgetsWhatLapsedLater,
        Self::HidesTheOlder,
        Self::IgnoresTheAge,
        Self::RevivesTheExpired,
        Self::ClosesForStrangers,
        Self::CountsOneForSeveral,
        Self::TrimsNames,
        Self::CountsThenSignsIn,
        Self::EndsOneOfMany,
        Self::SharesNamespaces,
        Self::LeavesALockBehind,
    ];

    /// Names conformance cases that must fail on a store with this flaw.
    #[must_use]
    pub fn caught_by(self) -> &'static [&'static str] {
        match self {
            Self::LosesAnUpdate => &[
                "concurrency::writers_of_different_attributes_lose_nothing",
                "commit::an_attribute_tells_the_commit_that_wrote_it",
            ],
            Self::Resurrects => &["invalidate::nothing_comes_back", "races::commits_bring_nothing_back"],
            Self::AdoptsAnId => &["commit::a_change_creates_nothing"],
            Self::ForgetsToExtend => &["access::a_load_extends_the_session"],
            Self::ForgetsToExtendOnCommit => &["access::a_commit_extends_the_session"],
            Self::ExtendsLate => &["expiry::the_expired_is_absent_to_every_operation"],
            Self::ReturnsTheExpired => &[
                "expiry::a_session_is_not_open_at_its_deadline",
                "expiry::a_session_is_not_open_at_the_end_of_its_lifetime",
            ],
            Self::ListsTheExpired => &["principal::a_list_has_only_live_sessions"],
            Self::TearsACommit => {
                &["concurrency::nobody_sees_half_a_commit", "dropped::a_dropped_change_is_whole_or_nothing"]
            }
            Self::IgnoresTheGuard => &[
                "guard::a_wrong_ticket_reads_nothing",
                "guard::a_wrong_ticket_touches_nothing",
                "guard::a_wrong_ticket_changes_nothing",
                "guard::a_wrong_ticket_ends_nothing",
            ],
            Self::AdmitsTheSuperseded => &["sign_in::the_ticket_before_is_superseded"],
            Self::ForgetsTheGrace => &["rotation::the_ticket_before_works_in_the_grace"],
            Self::ForgetsTheEndOfTheGrace => &["rotation::the_ticket_before_opens_nothing_after_the_grace"],
            Self::ForgetsTheThrottleBound => &["access::the_throttle_is_at_most_a_tenth_of_the_interval"],
            Self::HandsOutTwice => &[
                "sweep::each_is_handed_out_to_one_of_many_sweepers",
                "lease::each_is_leased_to_one_of_many_sweepers",
            ],
            Self::HandsOutTheLive => &["sweep::the_last_millisecond_is_not_handed_out"],
            Self::ForgetsTheLease => &["lease::a_lease_that_is_over_is_handed_out_again"],
            Self::AcknowledgesTheLive => &["lease::an_acknowledgement_leaves_live_sessions_alone"],
            Self::AppliesARetryTwice => &["retry::a_change_is_applied_once"],
            Self::IgnoresExpectations => &[
                "concurrency::compare_and_set_gives_the_exact_total",
                "expect::another_revision_is_a_conflict",
            ],
            Self::IgnoresLimits => &[
                "limits::a_value_may_have_as_many_bytes_as_allowed",
                "limits::a_session_may_have_as_many_bytes_as_allowed",
                "limits::a_session_may_have_as_many_attributes_as_allowed",
            ],
            Self::KeepsTheLapsed => &["ttl::what_has_lapsed_is_absent"],
            Self::IgnoresTheAge => &["held_back::an_access_counts_from_when_it_was_made"],
            Self::RevivesTheExpired => &["held_back::what_had_expired_and_was_to_end_is_not_revived"],
            Self::ClosesForStrangers => &["held_back::only_who_may_end_it_closes_what_had_expired"],
            Self::ForgetsWhatLapsedLater => &["ttl::what_lapses_after_the_end_is_among_the_last_names"],
            Self::HidesTheOlder => &["load::a_version_that_is_not_there_is_no_obstacle"],
            Self::TrimsNames => &["names::names_are_compared_byte_for_byte"],
            Self::CountsThenSignsIn => {
                &["max_sessions::a_race_of_sign_ins_never_exceeds_and_refuses_the_rest"]
            }
            Self::EndsOneOfMany => &["invalidate::a_principal_ends_all_their_sessions"],
            Self::SharesNamespaces => &["namespaces::a_ticket_opens_nothing_in_another"],
            Self::CountsOneForSeveral => &["held_back::one_commit_stands_for_several"],
            Self::LeavesALockBehind => &["dropped::a_dropped_change_is_whole_or_nothing"],
        }
    }
}
