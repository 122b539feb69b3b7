use std::time::Duration;

/// A max inactive interval and a max lifetime that somebody recommends, for
/// [`SessionLayer::timeouts`](crate::SessionLayer::timeouts).
///
/// They are upper ends. What fits is for a risk analysis to say, and shorter is always allowed (OWASP ASVS 5.0, 7.1.1 asks
/// for reasons where they are longer).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Timeouts {
    /// 5 minutes without an access, 4 hours in all: what can do much harm, such as payments. The OWASP Session Management
    /// Cheat Sheet gives 2 to 5 minutes for "high-value applications", and 4 to 8 hours for the absolute timeout of an
    /// application that is used for a whole office day.
    OwaspHighValue,
    /// 30 minutes without an access, 8 hours in all: what can do little harm. The cheat sheet gives 15 to 30 minutes for
    /// "low-risk applications".
    OwaspLowRisk,
    /// 1 hour without an access, 24 hours in all: "SHOULD be no more than" for authenticator assurance level 2 in NIST SP
    /// 800-63B-4, 2.2.3. (Its third revision had 30 minutes and 12 hours.)
    NistAal2,
    /// 15 minutes without an access ("SHOULD"), 12 hours in all ("SHALL"): authenticator assurance level 3 in NIST SP
    /// 800-63B-4, 2.3.3.
    NistAal3,
}

impl Timeouts {
    /// Returns how long a session lives without an access.
    #[must_use]
    pub const fn max_inactive_interval(self) -> Duration {
        Duration::from_secs(
            60 * match self {
                Self::OwaspHighValue => 5,
                Self::OwaspLowRisk => 30,
                Self::NistAal2 => 60,
                Self::NistAal3 => 15,
            },
        )
    }

    /// Returns how long a session lives whatever the activity.
    #[must_use]
    pub const fn max_lifetime(self) -> Duration {
        Duration::from_secs(
            60 * 60
                * match self {
                    Self::OwaspHighValue => 4,
                    Self::OwaspLowRisk => 8,
                    Self::NistAal2 => 24,
                    Self::NistAal3 => 12,
                },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_those_of_their_sources() {
        let minutes = |timeouts: Timeouts| {
            (timeouts.max_inactive_interval().as_secs() / 60, timeouts.max_lifetime().as_secs() / 3600)
        };
        assert_eq!(minutes(Timeouts::OwaspHighValue), (5, 4));
        assert_eq!(minutes(Timeouts::OwaspLowRisk), (30, 8));
        assert_eq!(minutes(Timeouts::NistAal2), (60, 24));
        assert_eq!(minutes(Timeouts::NistAal3), (15, 12));
    }
}
