use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloakroom_core::{CommitId, Name};
use serde::{Deserialize, Serialize};

use super::Session;
use crate::error::{Error, ErrorKind};

/// Messages for the visitor's next page: set by one request, shown once by another, a redirect between them or not.
///
/// An extractor, which loads with the session whether there are messages. Looking makes no session, and where there are
/// none it costs no operation of its own.
///
/// ```
/// use axum::response::Redirect;
/// use cloakroom::{Error, Flash};
///
/// async fn save(mut flash: Flash) -> Result<Redirect, Error> {
///     flash.success("Saved.")?;
///     Ok(Redirect::to("/"))
/// }
///
/// async fn page(mut flash: Flash) -> Result<String, Error> {
///     let lines = flash.take().await?.into_iter().map(|message| format!("{}: {}\n", message.level, message.text));
///     Ok(lines.collect())
/// }
/// # let _ = (save, page);
/// ```
///
/// # What is guaranteed
///
/// - A message is given to one [`take`](Self::take), however many pages ask at the same time, on however many servers.
/// - Messages of requests at the same time do not replace each other.
/// - A message is part of what its request changes: a request that fails leaves none.
/// - A message that nobody takes lapses after an hour, or ends with its session. What is set after an
///   [`invalidate`](Session::invalidate) goes to the new session.
///
/// They are attributes of the session, whose names begin with `cloakroom.flash`.
pub struct Flash {
    session: Session,
    /// What this has set so far, and under which name.
    batch: Option<(Name, Batch)>,
}

/// A message for the visitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlashMessage {
    /// What kind of news it is.
    pub level: FlashLevel,
    /// What it says. As the application set it: escape it as any text.
    pub text: String,
}

/// What kind of news a [`FlashMessage`] is. Displays as its name in lower case, such as for a CSS class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FlashLevel {
    /// Worth knowing.
    Info,
    /// It was done.
    Success,
    /// It was done, but.
    Warning,
    /// It was not done.
    Error,
}

/// The messages of one request. Each has an attribute of its own, so that requests at the same time lose none.
#[derive(Debug, Serialize, Deserialize)]
struct Batch {
    /// Since the Unix epoch, by the clock of the server that set them.
    set_at: Duration,
    messages: Vec<FlashMessage>,
}

impl Flash {
    /// The attribute that says whether there are messages: for [`LoadPolicy::Named`](crate::LoadPolicy::Named), where a
    /// page takes them without this extractor.
    pub const NAME: Name = Name::from_static("cloakroom.flash");

    /// How long a message waits to be taken.
    const TTL: Duration = Duration::from_secs(60 * 60);

    /// Sets a message.
    ///
    /// # Errors
    ///
    /// [`OverLimit`](crate::ErrorKind::OverLimit) when the messages of this request are larger than an attribute may be.
    pub fn push(&mut self, level: FlashLevel, text: impl Into<String>) -> Result<(), Error> {
        let (name, mut batch) = match self.batch.take() {
            Some(batch) => batch,
            None => Batch::begin()?,
        };
        batch.messages.push(FlashMessage { level, text: text.into() });
        self.session.set_named_for(name.clone(), &batch, Self::TTL)?;
        self.session.set_named_for(Self::NAME, &true, Self::TTL)?;
        self.batch = Some((name, batch));
        Ok(())
    }

    /// Sets a message that is worth knowing.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn info(&mut self, text: impl Into<String>) -> Result<(), Error> {
        self.push(FlashLevel::Info, text)
    }

    /// Sets a message that something was done.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn success(&mut self, text: impl Into<String>) -> Result<(), Error> {
        self.push(FlashLevel::Success, text)
    }

    /// Sets a message that something was done, but.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn warning(&mut self, text: impl Into<String>) -> Result<(), Error> {
        self.push(FlashLevel::Warning, text)
    }

    /// Sets a message that something was not done.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn error(&mut self, text: impl Into<String>) -> Result<(), Error> {
        self.push(FlashLevel::Error, text)
    }

    /// Takes all messages, those of this request too, oldest first.
    ///
    /// They are removed when this returns, atomically as by [`take_once`](Session::take_once), also if the request fails
    /// afterwards: take them last, when the page is certain. If this fails or is cut off, what it has not taken yet is given
    /// to the next page. Where there are messages, this makes about four round trips to the store.
    ///
    /// # Errors
    ///
    /// As [`take_once`](Session::take_once).
    pub async fn take(&mut self) -> Result<Vec<FlashMessage>, Error> {
        self.batch = None;
        let Some(marker) = self.session.present(&Self::NAME).await? else { return Ok(Vec::new()) };
        let taken = self.take_batches().await;
        // Of what cannot be decoded one page is told, not each. After any other failure there may be more to take.
        if taken.as_ref().err().is_none_or(|error| error.kind() == ErrorKind::Undecodable)
            && let Err(error) = self.session.remove_unless_changed(&Self::NAME, marker).await
        {
            // The next page looks in vain, which is better than to lose what was taken.
            error.log();
        }
        let mut batches = taken?;
        batches.sort_by_key(|batch| batch.set_at);
        Ok(batches.into_iter().flat_map(|batch| batch.messages).collect())
    }

    async fn take_batches(&self) -> Result<Vec<Batch>, Error> {
        let mut names = self.session.attribute_names().await?;
        names.retain(|name| name.as_str().starts_with(BATCH));
        self.session.inner.fetch(&names).await?;
        let mut batches = Vec::with_capacity(names.len());
        for name in names {
            batches.extend(self.session.take_once_named::<Batch>(name).await?);
        }
        Ok(batches)
    }
}

/// How the names of all batches begin.
const BATCH: &str = "cloakroom.flash.";

impl Batch {
    /// Makes an empty batch, under a name that no other has.
    fn begin() -> Result<(Name, Self), Error> {
        let id = u128::from_be_bytes(*CommitId::generate()?.as_bytes());
        let set_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok((Name::new(format!("{BATCH}{id:032x}"))?, Self { set_at, messages: Vec::new() }))
    }
}

impl Session {
    /// Returns the messages of the session, where [`Flash`] is not used as an extractor.
    #[must_use]
    pub fn flash(&self) -> Flash {
        Flash { session: self.clone(), batch: None }
    }
}

impl fmt::Display for FlashLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Info => "info",
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// Does not show the messages.
impl fmt::Debug for Flash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flash").field("session", &self.session).finish_non_exhaustive()
    }
}
