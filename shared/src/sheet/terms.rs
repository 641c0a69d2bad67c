//! What was decided of a file before it is read.

use super::columns::Assigned;
use crate::domain::{encoding::Encoding, ids::TemplateId, template::Definition};

/// Who a file lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Recipients of a template.
    Recipients,
    /// Members.
    Members,
}

/// What was decided of a file before it is read.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// Who it lists.
    pub list: List,
    /// Its template; nil for members.
    pub template_id: TemplateId,
    /// What the template takes, or a [profile](crate::domain::member_row::definition).
    pub definition: &'a Definition,
    /// The encoding of its text, if its sender named one.
    pub encoding: Option<Encoding>,
    /// What was assigned to its columns.
    pub assigned: Assigned<'a>,
    /// Whether its sender said that of its dates the day comes first.
    pub day_first: bool,
    /// Whether its rows correct the credentials that they name.
    pub corrects: bool,
    /// Whether its credentials are mailed.
    pub send_email: bool,
}

impl<'a> Terms<'a> {
    /// The terms of a file of a template about which nothing else was decided; its credentials are mailed.
    pub fn of(template_id: TemplateId, definition: &'a Definition) -> Self {
        Self {
            list: List::Recipients,
            template_id,
            definition,
            encoding: None,
            assigned: Assigned::default(),
            day_first: false,
            corrects: false,
            send_email: true,
        }
    }
}
