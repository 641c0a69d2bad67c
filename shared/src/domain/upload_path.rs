//! The keys of uploaded files in the bucket.

use uuid::Uuid;

use crate::domain::{
    ids::{Mode, OrgId, TemplateId},
    member_row::MEMBERS,
    spreadsheet::HiddenRows,
};

/// Longest key of an object, in bytes ("Naming Amazon S3 objects"). An event can claim a longer one,
/// for which there is no request.
const MAX_KEY: usize = 1_024;

/// The parts of an object's key below `incoming/`.
#[derive(Debug, PartialEq, Eq)]
pub struct UploadPath {
    /// Live or test.
    pub mode: Mode,
    /// Owner.
    pub org: OrgId,
    /// Template; none for a file of members.
    pub template_id: Option<TemplateId>,
    /// The upload, unless another system put the object there.
    pub upload_id: Option<Uuid>,
    /// The file's name.
    pub name: String,
    /// What the folders say in which another system put the object.
    pub folders: FolderTerms,
}

/// What is said of a spreadsheet by the folders of an object that another system put there.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct FolderTerms {
    /// The sheet that is read: `sheet=Acta`.
    pub sheet: Option<String>,
    /// What becomes of hidden rows: `hidden_rows=skip`.
    pub hidden_rows: Option<HiddenRows>,
    /// Whether a folder says of hidden rows what is not known.
    pub unknown: bool,
}

impl FolderTerms {
    fn read<'a>(folders: impl Iterator<Item = &'a str>) -> Self {
        let mut terms = Self::default();
        for (term, value) in folders.filter_map(|folder| folder.split_once('=')) {
            match term {
                "sheet" => terms.sheet = Some(value.to_owned()),
                "hidden_rows" => {
                    terms.hidden_rows = HiddenRows::parse(value);
                    terms.unknown |= terms.hidden_rows.is_none();
                }
                _ => {}
            }
        }
        terms
    }
}

impl UploadPath {
    /// Parses an object's key.
    pub fn parse(key: &str) -> Option<Self> {
        if key.len() > MAX_KEY {
            return None;
        }
        let mut parts = key.strip_prefix("incoming/")?.splitn(4, '/');
        let mode = match parts.next()? {
            "live" => Mode::Live,
            "test" => Mode::Test,
            _ => return None,
        };
        let org = OrgId::parse(parts.next()?).ok()?;
        let template_id = match parts.next()? {
            // A test key changes no members.
            MEMBERS if mode == Mode::Live => None,
            other => Some(TemplateId::parse(other).ok()?),
        };
        let rest = parts.next().filter(|rest| !rest.is_empty() && !rest.ends_with('/'))?;
        let upload_id = rest.split_once('/').and_then(|(id, _)| Uuid::try_parse(id).ok());
        let (folders, name) = rest.rsplit_once('/').unwrap_or(("", rest));
        let folders = match upload_id {
            Some(_) => FolderTerms::default(),
            None => FolderTerms::read(folders.split('/')),
        };
        Some(Self { mode, org, template_id, upload_id, name: name.to_owned(), folders })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_say_how_a_spreadsheet_is_read_unless_it_was_announced() {
        let template = "incoming/live/demo/550e8400-e29b-41d4-a716-446655440000";
        let terms =
            |rest: &str| UploadPath::parse(&format!("{template}/{rest}")).expect("a path").folders;
        let said = terms("2026/hidden_rows=skip/sheet=Acta nº 1=2/x/acta.xlsx");
        assert_eq!(said.sheet.as_deref(), Some("Acta nº 1=2"));
        assert_eq!((said.hidden_rows, said.unknown), (Some(HiddenRows::Skip), false));
        assert!(terms("hidden_rows=hide/acta.xlsx").unknown);
        for none in [
            "acta.xlsx",
            "sheet=Acta.xlsx",
            "550e8400-e29b-41d4-a716-446655440000/sheet=Acta/acta.xlsx",
        ] {
            assert_eq!(terms(none), FolderTerms::default(), "{none}");
        }
    }

    #[test]
    fn a_key_names_its_file() {
        let key = "incoming/live/demo/550e8400-e29b-41d4-a716-446655440000/acta nº 1+2&x.csv";
        let path = UploadPath::parse(key).expect("a path");
        assert_eq!(path.name, "acta nº 1+2&x.csv");
        assert_eq!((path.mode, path.upload_id), (Mode::Live, None));
    }

    #[test]
    fn a_key_of_members_is_none_of_a_template_and_only_live() {
        let path = UploadPath::parse("incoming/live/demo/members/a.csv").expect("a path");
        assert_eq!((path.template_id, path.upload_id, path.name.as_str()), (None, None, "a.csv"));
        assert_eq!(UploadPath::parse("incoming/test/demo/members/a.csv"), None);
        // As the former release reads it: no template has this id.
        assert!(TemplateId::parse(MEMBERS).is_err());
    }

    #[test]
    fn a_key_that_names_no_place_starts_nothing() {
        let template = "550e8400-e29b-41d4-a716-446655440000";
        for key in [
            "acta.csv".to_owned(),
            format!("incoming/prod/demo/{template}/a.csv"),
            format!("incoming/live/Demo/{template}/a.csv"),
            "incoming/live/demo/plantilla/a.csv".to_owned(),
            format!("incoming/live/demo/{template}/"),
            format!("incoming/live/demo/{template}"),
            format!("results/live/demo/{template}/a.csv"),
            format!("incoming/live/demo/{template}/{}", "a".repeat(MAX_KEY)),
        ] {
            assert_eq!(UploadPath::parse(&key), None, "{key}");
        }
    }
}
