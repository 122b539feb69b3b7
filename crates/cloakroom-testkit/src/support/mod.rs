//! What the cases are written with: short words for requests, answers, and many tasks at once.

mod answers;
mod crowd;
mod draft;
mod lookalikes;
mod requests;

pub(crate) use answers::*;
pub(crate) use crowd::*;
pub(crate) use draft::*;
pub(crate) use lookalikes::*;
pub(crate) use requests::*;
