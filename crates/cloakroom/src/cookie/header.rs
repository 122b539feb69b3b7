use http::HeaderName;
use http::header::{
    ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION, CACHE_CONTROL, CONNECTION, COOKIE, DATE, ETAG, EXPECT, HOST,
    LOCATION, ORIGIN, RANGE, REFERER, SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, USER_AGENT, VARY,
};

/// Returns whether a header has a meaning of its own in requests or responses, so that it cannot carry tickets. Among them
/// are those that another site can set without asking (the Fetch standard, 2.2.2, "CORS-safelisted request-header").
pub(crate) fn has_another_meaning(name: &HeaderName) -> bool {
    const TAKEN: [HeaderName; 21] = [
        ACCEPT,
        ACCEPT_LANGUAGE,
        AUTHORIZATION,
        CACHE_CONTROL,
        CONNECTION,
        COOKIE,
        DATE,
        ETAG,
        EXPECT,
        HOST,
        LOCATION,
        ORIGIN,
        RANGE,
        REFERER,
        SET_COOKIE,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
        USER_AGENT,
        VARY,
    ];
    let families = ["access-control-", "content-", "proxy-", "sec-"];
    TAKEN.contains(name) || families.iter().any(|family| name.as_str().starts_with(family))
}
