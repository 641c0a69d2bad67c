//! The rows of a file of members: what each becomes, and the writing of what they change.
//!
//! Safe to repeat: a row says how its member is afterwards, so the second time it changes nothing.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use crate::{
    app::App,
    domain::{
        email::EmailAddress,
        fault::{Fault, FaultText},
        field::FieldName,
        ids::OrgId,
        lang::Lang,
        member::Member,
        member_row::{self, LastRows, MemberChange, MemberRow, ProfileField},
        recipient::Recipient,
        review, time,
        upload::{Format, Kind},
        warning::{Place, Warning},
    },
    sheet::{Naming, Said, SheetRow},
    store::StoreError,
};

/// Times that a row is looked up whose member was deleted meanwhile.
const ROUNDS: usize = 3;

/// A row of a file of members.
#[derive(Debug)]
pub struct FileMember {
    /// Its number, from 1.
    pub row: u32,
    /// The line where it begins, from 1.
    pub line: u64,
    /// The address as sent.
    pub email: String,
    /// What it says, or its faults.
    pub read: Result<MemberRow, Vec<Fault>>,
    /// Its cells, for the texts of its faults.
    cells: Vec<String>,
    recipient: Option<Recipient>,
}

/// What becomes of a row.
#[derive(Clone, PartialEq, Eq)]
pub enum MemberOutcome {
    /// Its member is, or becomes, as it says.
    Imported(MemberChange),
    /// Another row has the same address, and counts.
    Repeated(u32),
    /// It is refused.
    Refused(Vec<Fault>),
}

impl FileMember {
    /// Reads a row of a file.
    pub fn of(row: SheetRow, kind: Kind) -> Self {
        let SheetRow { row, line, entry, refused: cells, says, .. } = row;
        let name = match kind {
            Kind::Csv | Kind::Sheet => FieldName::RecipientName.as_str(),
            Kind::JsonLines | Kind::Json => ProfileField::Name.as_str(),
        };
        let recipient = entry.recipient.as_ref().ok().cloned();
        let email = entry.email;
        let read = entry.recipient;
        let read = read.and_then(|recipient| MemberRow::of(&recipient, &email, says, name));
        Self { row, line, email, read, cells, recipient }
    }

    /// Where it is.
    pub fn place(&self) -> Place {
        Place { row: self.row, line: Some(self.line) }
    }

    /// Its warnings, if it came at `sent_at`, RFC 3339.
    pub fn warnings(&self, sent_at: &str) -> Vec<Warning> {
        let recipient = self.recipient.as_ref().filter(|_| self.read.is_ok());
        let definition = member_row::definition();
        let judge =
            |recipient| Some(review::judge(recipient, review::day_of(sent_at)?, &definition));
        recipient.and_then(judge).unwrap_or_default()
    }

    /// The texts of its faults, in the words of the file's columns.
    pub fn texts(&self, faults: &[Fault], format: &Format, lang: Lang) -> Vec<FaultText> {
        let naming = Naming::of(format, lang);
        let text = |fault: &Fault| match &naming {
            Some(naming) => naming.fault(fault, Said::Cells(&self.cells)),
            None => fault.in_language(lang),
        };
        faults.iter().map(text).collect()
    }
}

/// Notes which row counts for each address.
pub fn note(last: &mut LastRows, rows: &[FileMember]) {
    for row in rows {
        if let Ok(read) = &row.read {
            last.note(&read.email, row.row);
        }
    }
}

/// Looks up what becomes of rows.
///
/// # Errors
/// [`StoreError`].
pub async fn look_up(
    app: &App,
    org: &OrgId,
    rows: Vec<FileMember>,
    last: &LastRows,
) -> Result<Vec<(FileMember, MemberOutcome)>, StoreError> {
    let emails: Vec<&EmailAddress> =
        rows.iter().filter_map(|row| Some(&row.read.as_ref().ok()?.email)).collect();
    let members = members(app, org, &emails).await?;
    let outcomes = rows.into_iter().map(|row| {
        let outcome = outcome(&row, &members, last);
        (row, outcome)
    });
    Ok(outcomes.collect())
}

type Members = HashMap<EmailAddress, Member>;

async fn members(app: &App, org: &OrgId, emails: &[&EmailAddress]) -> Result<Members, StoreError> {
    Ok(match emails {
        [] => Members::default(),
        some => app.catalog.together(org, None, None, some).await?.members,
    })
}

fn outcome(row: &FileMember, members: &Members, last: &LastRows) -> MemberOutcome {
    let read = match &row.read {
        Ok(read) => read,
        Err(faults) => return MemberOutcome::Refused(faults.clone()),
    };
    match (read.change(members.get(&read.email)), last.instead_of(&read.email, row.row)) {
        (Err(fault), _) => MemberOutcome::Refused(vec![fault]),
        (Ok(_), Some(other)) => MemberOutcome::Repeated(other),
        (Ok(change), None) => MemberOutcome::Imported(change),
    }
}

/// Writes what rows change. One that changes nothing writes nothing. A member that was deleted since
/// its row was looked up is looked up again: the row makes a new one of all that it says.
///
/// # Errors
/// [`StoreError`]; [`StoreError::Conflict`] when somebody keeps deleting a member that others import.
pub async fn write(
    app: &App,
    org: &OrgId,
    rows: &mut [(FileMember, MemberOutcome)],
    last: &LastRows,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut gone: Option<HashSet<EmailAddress>> = None;
    for _ in 0..ROUNDS {
        if let Some(gone) = &gone {
            let members = members(app, org, &Vec::from_iter(gone)).await?;
            let again = |email| gone.contains(email);
            for (row, known) in rows.iter_mut() {
                if row.read.as_ref().is_ok_and(|read| again(&read.email)) {
                    *known = outcome(row, &members, last);
                }
            }
        }
        let changes = rows.iter().filter_map(|(_, outcome)| match outcome {
            MemberOutcome::Imported(change) if !change.is_none() => Some(change),
            _ => None,
        });
        let open =
            |change: &&MemberChange| gone.as_ref().is_none_or(|gone| gone.contains(&change.email));
        let changes: Vec<&MemberChange> = changes.filter(open).collect();
        let lost = app.catalog.change_members(org, &changes, &time::millis(now)).await?;
        if lost.is_empty() {
            return Ok(());
        }
        gone = Some(lost);
    }
    Err(StoreError::Conflict)
}
