//! The status indexes that this process has taken, and the dictionaries of the templates
//! that it issues from.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    sync::Arc,
};

use tokio::sync::Mutex;

use crate::domain::ids::{Mode, OrgId, TemplateId};

/// Status indexes that a process takes first; each further time twice as many.
pub(crate) const FIRST_BLOCK: u64 = 16;

/// Most that it takes at once: what a process can leave unused at its end.
pub(crate) const LARGEST_BLOCK: u64 = 1_024;

/// Most dictionaries that a process keeps at hand: 3 KB each, more for long templates.
pub(crate) const CACHED: usize = 64;

/// Status indexes of this process, by organization and mode: taken in blocks and kept in
/// memory, so that a credential costs no write for its own. And the dictionaries of the
/// templates that it issues from.
#[derive(Clone, Debug, Default)]
pub struct Indexes {
    pub(crate) blocks: Arc<Mutex<HashMap<(OrgId, Mode), Block>>>,
    pub(crate) dictionaries: Arc<Mutex<HashMap<Kind, Arc<Dictionary>>>>,
}

/// What documents have a dictionary in common. A key is one organization's, in one mode.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Kind {
    pub(crate) template: TemplateId,
    pub(crate) version: u32,
    pub(crate) list: u32,
    pub(crate) multikey: String,
}

#[derive(Debug)]
pub(crate) struct Dictionary {
    pub(crate) name: String,
    pub(crate) text: Vec<u8>,
}

#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) left: Range<u64>,
    pub(crate) last: u64,
    pub(crate) lists: HashSet<u32>,
}
