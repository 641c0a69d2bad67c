//! The rows of a file of members: what each becomes, and the writing of what they change.
//!
//! Safe to repeat: a row says how its member is afterwards, so the second time it changes nothing.

use jiff::Timestamp;

use crate::{
    app::App,
    domain::{
        email::EmailAddress,
        fault::{Fault, FaultText},
        field::FieldName,
        ids::OrgId,
        lang::Lang,
        member_row::{self, LastRows, MemberChange, MemberRow, ProfileField},
        recipient::Recipient,
        review, time,
        upload::{Format, Kind},
        warning::{Place, Warning},
    },
    sheet::{Naming, Said, SheetRow},
    store::StoreError,
};

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
            Kind::Csv => FieldName::RecipientName.as_str(),
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
    let members = match emails.as_slice() {
        [] => Default::default(),
        some => app.catalog.together(org, None, None, some).await?.members,
    };
    let outcome = |row: &FileMember| {
        let read = match &row.read {
            Ok(read) => read,
            Err(faults) => return MemberOutcome::Refused(faults.clone()),
        };
        match (read.change(members.get(&read.email)), last.instead_of(&read.email, row.row)) {
            (Err(fault), _) => MemberOutcome::Refused(vec![fault]),
            (Ok(_), Some(other)) => MemberOutcome::Repeated(other),
            (Ok(change), None) => MemberOutcome::Imported(change),
        }
    };
    let outcomes = rows.into_iter().map(|row| {
        let outcome = outcome(&row);
        (row, outcome)
    });
    Ok(outcomes.collect())
}

/// Writes what rows change. One that changes nothing writes nothing.
///
/// # Errors
/// [`StoreError`].
pub async fn write(
    app: &App,
    org: &OrgId,
    rows: &[(FileMember, MemberOutcome)],
    now: Timestamp,
) -> Result<(), StoreError> {
    let changes = rows.iter().filter_map(|(_, outcome)| match outcome {
        MemberOutcome::Imported(change) if !change.is_none() => Some(change),
        _ => None,
    });
    let changes: Vec<&MemberChange> = changes.collect();
    app.catalog.change_members(org, &changes, &time::millis(now)).await
}
