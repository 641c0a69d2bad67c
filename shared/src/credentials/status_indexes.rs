//! The memory of a process that signs: the status indexes that it has taken, and the
//! dictionaries and alignments of the templates that it issues from.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    sync::{Arc, Mutex as Quick, PoisonError},
};

use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

use crate::{
    document::{achievement::AchievementVersion, alignments::Prepared},
    domain::{
        ids::{Mode, OrgId, TemplateId},
        status_entry::LENGTH,
    },
};

/// Status indexes that a process takes first; each further time twice as many.
const FIRST_BLOCK: u64 = 16;
/// Most status indexes taken at once: a process that ends leaves at most so many unused.
const LARGEST_BLOCK: u64 = 1_024;
/// Most dictionaries in memory: 3 KB each, more for long templates.
const CACHED: usize = 64;
/// Most versions of templates whose alignments are in memory, prepared: 130 KB for fifty of them.
const PREPARED: usize = 16;

/// The status indexes and dictionaries of one process. Indexes are taken in blocks, so that a
/// credential costs no write for its own.
#[derive(Clone, Debug, Default)]
pub struct Indexes {
    blocks: Arc<Mutex<HashMap<(OrgId, Mode), Block>>>,
    dictionaries: Arc<Mutex<Dictionaries>>,
    alignments: Arc<Quick<HashMap<(TemplateId, u32), Arc<Prepared>>>>,
}

impl Indexes {
    /// Locks the block of an organization and mode.
    pub(super) async fn block(&self, org: &OrgId, mode: Mode) -> MappedMutexGuard<'_, Block> {
        MutexGuard::map(self.blocks.lock().await, |blocks| {
            blocks.entry((org.clone(), mode)).or_default()
        })
    }

    /// Returns the prepared alignments of an achievement; none if it has none.
    pub(super) fn alignments(&self, of: &AchievementVersion<'_>) -> Option<Arc<Prepared>> {
        if of.definition.achievement.alignments.is_empty() {
            return None;
        }
        let mut known = self.alignments.lock().unwrap_or_else(PoisonError::into_inner);
        let version = (of.template, of.version);
        if let Some(found) = known.get(&version).filter(|found| found.are_of(of)) {
            return Some(Arc::clone(found));
        }
        let made = Arc::new(Prepared::of(of)?);
        if known.len() >= PREPARED {
            known.clear();
        }
        known.insert(version, Arc::clone(&made));
        Some(made)
    }

    /// Locks the dictionaries.
    pub(super) async fn dictionaries(&self) -> MutexGuard<'_, Dictionaries> {
        self.dictionaries.lock().await
    }
}

/// The indexes taken for one organization and mode, and the lists known to be stored.
#[derive(Debug, Default)]
pub(super) struct Block {
    left: Range<u64>,
    last: u64,
    lists: HashSet<u32>,
}

impl Block {
    /// Takes the next index out of the block; none when it is used up.
    pub(super) fn take(&mut self) -> Option<u64> {
        self.left.next()
    }

    /// Returns whether every index is used.
    pub(super) fn is_used_up(&self) -> bool {
        self.left.is_empty()
    }

    /// Returns how many indexes to take next.
    pub(super) fn next_count(&self) -> u64 {
        (self.last * 2).clamp(FIRST_BLOCK, LARGEST_BLOCK)
    }

    /// Returns the numbers of the lists of these indexes that are not known to be stored. A
    /// block is shorter than a list, so that it lies in one or two.
    pub(super) fn unknown_lists(&self, taken: &Range<u64>) -> Vec<u32> {
        let ends = [taken.start, taken.end.saturating_sub(1)];
        let mut lists: Vec<u32> = ends
            .into_iter()
            .map(|n| u32::try_from(n / u64::from(LENGTH)).unwrap_or(u32::MAX))
            .filter(|number| !self.lists.contains(number))
            .collect();
        lists.dedup();
        lists
    }

    /// Notes that a list is stored.
    pub(super) fn knows_list(&mut self, number: u32) {
        self.lists.insert(number);
    }

    /// Fills the block with indexes that were taken.
    pub(super) fn fill(&mut self, taken: Range<u64>) {
        self.last = taken.end - taken.start;
        self.left = taken;
    }
}

/// The documents that share a dictionary. A key is one organization's, in one mode.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    pub(super) template: TemplateId,
    pub(super) version: u32,
    pub(super) list: u32,
    pub(super) multikey: String,
}

/// A dictionary that is stored.
#[derive(Debug)]
pub(super) struct Dictionary {
    pub(super) name: String,
    pub(super) text: Vec<u8>,
}

/// The dictionaries in memory; emptied when there are [`CACHED`].
#[derive(Debug, Default)]
pub(super) struct Dictionaries(HashMap<Kind, Arc<Dictionary>>);

impl Dictionaries {
    /// Returns the dictionary of a kind.
    pub(super) fn get(&self, kind: &Kind) -> Option<Arc<Dictionary>> {
        self.0.get(kind).map(Arc::clone)
    }

    /// Adds the dictionary of a kind.
    pub(super) fn add(&mut self, kind: Kind, dictionary: Arc<Dictionary>) {
        if self.0.len() >= CACHED {
            self.0.clear();
        }
        self.0.insert(kind, dictionary);
    }
}
