use http::HeaderValue;

/// What a browser keeps of a site, for [`SessionLayer::clear_site_data`](crate::SessionLayer::clear_site_data)
/// ([Clear Site Data, 3.1](https://www.w3.org/TR/clear-site-data/#header)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SiteData {
    /// The HTTP cache. Emptying it may take some browsers seconds.
    Cache,
    /// All cookies of the registrable domain, also those of other applications and of subdomains, and HTTP authentication.
    Cookies,
    /// Local and session storage, databases, service workers.
    Storage,
}

impl SiteData {
    fn directive(self) -> &'static str {
        match self {
            Self::Cache => "\"cache\"",
            Self::Cookies => "\"cookies\"",
            Self::Storage => "\"storage\"",
        }
    }
}

/// The header's values: where the session's cookie goes too, and where a new one comes in its place.
#[derive(Clone, Debug)]
pub(crate) struct ClearSiteData {
    pub(crate) all: Option<HeaderValue>,
    pub(crate) but_cookies: Option<HeaderValue>,
}

impl ClearSiteData {
    pub(crate) fn new(data: &[SiteData]) -> Self {
        let but_cookies: Vec<_> = data.iter().copied().filter(|data| *data != SiteData::Cookies).collect();
        Self { all: value(data), but_cookies: value(&but_cookies) }
    }
}

fn value(data: &[SiteData]) -> Option<HeaderValue> {
    let directives: Vec<_> = data.iter().map(|data| data.directive()).collect();
    let value = (!directives.is_empty()).then(|| directives.join(", "))?;
    HeaderValue::try_from(value).ok()
}
