//! The fields of a recipient: one row a field, from which every list of fields is read.
//!
//! A new field is a row here. The compiler then names the code that must know it: the member
//! of [`Recipient`](super::recipient), and the profile of a member.

use serde::{Deserialize, Serialize};

use crate::domain::{
    lang::Lang,
    metadata::METADATA,
    nearest::nearest,
    texts::{FieldText, FieldTexts},
};

/// A text of a file, in the languages of staff.
#[derive(Clone, Copy, Debug)]
pub struct Label {
    /// Spanish.
    pub es: &'static str,
    /// English.
    pub en: &'static str,
}

impl Label {
    const fn new(es: &'static str, en: &'static str) -> Self {
        Self { es, en }
    }

    /// The text of a language.
    pub fn text(self, lang: Lang) -> &'static str {
        lang.pick(self.es, self.en)
    }
}

/// The type of a field on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string, see [`MAX_TEXT`](super::text::MAX_TEXT).
    Text,
    /// A number: credits.
    Number,
    /// A day, `YYYY-MM-DD`.
    Date,
    /// A list of evidence.
    Array,
}

impl Kind {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Number => "number",
            Self::Date => "date",
            Self::Array => "array",
        }
    }
}

/// One field.
#[derive(Debug)]
pub struct FieldSpec {
    /// The name on the wire.
    pub wire: &'static str,
    /// The type on the wire.
    pub kind: Kind,
    /// The term of the Open Badges 3.0 context that holds it, a member of
    /// `credentialSubject`; evidence and the days of award and end are members of the credential.
    pub term: &'static str,
    /// Whether a template must list it before its recipients can have it.
    pub of_template: bool,
    /// Whether the identity of a credential follows from it.
    pub identifies: bool,
    /// The labels on pages and certificates.
    pub(crate) texts: fn(&FieldTexts) -> &FieldText,
    /// Whether a member's profile can fill it in.
    pub from_profile: bool,
    /// Whether a correction can change it.
    pub correctable: bool,
    /// The column in a file that the service writes.
    pub column: Label,
    /// Other names of that column in files that people bring, in lower case without accents.
    pub aliases: &'static [&'static str],
    /// Values of the two rows of an example file; empty cells for evidence, whose columns have
    /// examples of their own.
    pub examples: [Label; 2],
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident: $spec:expr;)*) => {
        /// A recipient field that a template can list; `email` is always required.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum FieldName {
            $($(#[$doc])* $name,)*
        }

        impl FieldName {
            /// All fields, in the order of the API reference.
            pub const ALL: [Self; [$(stringify!($name)),*].len()] = [$(Self::$name),*];

            /// The field's row.
            pub fn spec(self) -> &'static FieldSpec {
                match self {
                    $(Self::$name => {
                        const SPEC: FieldSpec = $spec;
                        &SPEC
                    })*
                }
            }
        }
    };
}

fields! {
    /// Full name.
    RecipientName: FieldSpec {
        wire: "recipient_name",
        kind: Kind::Text,
        term: "identifier",
        of_template: true,
        identifies: true,
        texts: |texts| &texts.recipient_name,
        from_profile: true,
        correctable: true,
        column: Label::new("Nombre completo", "Name"),
        aliases: &[
            "recipient name", "full name", "complete name", "nombre y apellido",
            "nombre y apellidos", "nombres y apellidos", "nombre s y apellido s",
            "nombre completo del estudiante", "nombre completo del alumno", "nome completo",
            "nome e sobrenome", "name original name", "user name original name",
            "nombre nombre original", "nombre de usuario nombre original", "nome nome original",
            "cname",
        ],
        examples: [Label::new("Ana Pérez", "Ana Pérez"), Label::new("Luis Núñez", "Luis Núñez")],
    };
    /// Grade or result.
    ResultValue: FieldSpec {
        wire: "result_value",
        kind: Kind::Text,
        term: "result",
        of_template: true,
        identifies: true,
        texts: |texts| &texts.result_value,
        from_profile: false,
        correctable: true,
        column: Label::new("Calificación", "Result"),
        aliases: &[
            "result value", "resultado", "resultado final", "nota", "nota final",
            "nota final del curso", "calificacion final", "calificacion del curso", "puntuacion",
            "puntaje", "puntaje final", "grade", "final grade", "course grade", "letter grade",
            "score", "course total real", "course total letter", "total del curso real",
            "total del curso letra", "total do curso real", "total do curso letra",
            "nota do curso", "conceito", "conceito final", "pontuacao", "classificacao",
            "classificacao final", "gradesym", "shrtckg grde code final", "sfrstcr grde code",
        ],
        examples: [Label::new("Aprobado", "Passed"); 2],
    };
    /// Credits.
    CreditsEarned: FieldSpec {
        wire: "credits_earned",
        kind: Kind::Number,
        term: "creditsEarned",
        of_template: true,
        identifies: true,
        texts: |texts| &texts.credits_earned,
        from_profile: false,
        correctable: true,
        column: Label::new("Créditos", "Credits"),
        aliases: &[
            "credits earned", "creditos obtenidos", "creditos aprobados", "credit hours",
            "creditos obtidos", "cpearned", "shrtckg credit hours",
        ],
        examples: [Label::new("6", "6"); 2],
    };
    /// Evidence.
    Evidence: FieldSpec {
        wire: "evidence",
        kind: Kind::Array,
        term: "evidence",
        of_template: true,
        identifies: true,
        texts: |texts| &texts.evidence,
        from_profile: false,
        correctable: true,
        column: Label::new("Evidencia", "Evidence"),
        aliases: &["evidences", "evidencias"],
        examples: [Label::new("", ""); 2],
    };
    /// Role.
    Role: FieldSpec {
        wire: "role",
        kind: Kind::Text,
        term: "role",
        of_template: true,
        identifies: true,
        texts: |texts| &texts.role,
        from_profile: true,
        correctable: true,
        column: Label::new("Rol", "Role"),
        aliases: &["funcion", "cargo", "funcao", "papel"],
        examples: [Label::new("Estudiante", "Student"); 2],
    };
    /// License number.
    LicenseNumber: FieldSpec {
        wire: "license_number",
        kind: Kind::Text,
        term: "licenseNumber",
        of_template: true,
        identifies: true,
        texts: |texts| &texts.license_number,
        from_profile: true,
        correctable: true,
        column: Label::new("Número de licencia", "License number"),
        aliases: &[
            "licence number", "licencia", "license", "licence", "n de licencia",
            "no de licencia", "nro de licencia", "licenca", "numero da licenca",
            "numero de licenca",
        ],
        examples: [Label::new("LIC-00123", "LIC-00123"); 2],
    };
    /// Academic term.
    Term: FieldSpec {
        wire: "term",
        kind: Kind::Text,
        term: "term",
        of_template: true,
        identifies: true,
        texts: |texts| &texts.term,
        from_profile: true,
        correctable: true,
        column: Label::new("Periodo", "Term"),
        aliases: &[
            "periodo academico", "academic term", "semestre", "semester", "term code",
            "periodo letivo", "shrtckg term code", "sfrstcr term code", "ssbsect term code",
        ],
        examples: [Label::new("Segundo semestre 2026", "Second semester 2026"); 2],
    };
    /// First day of the activity.
    ActivityStartDate: FieldSpec {
        wire: "activity_start_date",
        kind: Kind::Date,
        term: "activityStartDate",
        of_template: true,
        identifies: true,
        texts: |texts| &texts.activity_start_date,
        from_profile: false,
        correctable: true,
        column: Label::new("Fecha de inicio", "Start date"),
        aliases: &[
            "activity start date", "fecha inicio", "inicio", "start", "data de inicio", "begda",
        ],
        examples: [Label::new("20260817", "20260817"); 2],
    };
    /// Last day of the activity.
    ActivityEndDate: FieldSpec {
        wire: "activity_end_date",
        kind: Kind::Date,
        term: "activityEndDate",
        of_template: true,
        identifies: true,
        texts: |texts| &texts.activity_end_date,
        from_profile: false,
        correctable: true,
        column: Label::new("Fecha de fin", "End date"),
        aliases: &[
            "activity end date", "fecha fin", "fecha de termino", "fecha termino", "fin",
            "termino", "end", "fecha de finalizacion", "data de termino", "data de fim", "endda",
        ],
        examples: [Label::new("20261115", "20261115"); 2],
    };
    /// Day of the award; without it the day of issue is signed.
    AwardedOn: FieldSpec {
        wire: "awarded_on",
        kind: Kind::Date,
        term: "awardedDate",
        of_template: false,
        identifies: true,
        texts: |texts| &texts.awarded_on,
        from_profile: false,
        correctable: true,
        column: Label::new("Fecha de otorgamiento", "Award date"),
        aliases: &[
            "awarded on", "awarded date", "date awarded", "date of award", "fecha otorgamiento",
            "fecha de otorgacion", "otorgada el", "fecha de titulacion", "fecha titulacion",
            "fecha de titulo", "fecha de grado", "fecha de graduacion", "fecha graduacion",
            "graduation date", "degree date", "conferral date", "data de outorga",
            "data da outorga", "data de colacao de grau", "data da colacao de grau",
            "shrdgmr grad date",
        ],
        examples: [Label::new("20261115", "20261115"); 2],
    };
    /// Last day of validity, in place of the template's months.
    ValidUntil: FieldSpec {
        wire: "valid_until",
        kind: Kind::Date,
        term: "validUntil",
        of_template: false,
        identifies: false,
        texts: |texts| &texts.valid_until,
        from_profile: false,
        correctable: false,
        column: Label::new("Válida hasta", "Valid until"),
        aliases: &[
            "valido hasta", "vigente hasta", "vigencia hasta", "fecha de vencimiento",
            "fecha vencimiento", "vencimiento", "vence el", "fecha de expiracion",
            "fecha expiracion", "fecha de caducidad", "expiration date", "expiry date",
            "expires on", "expires", "valid to", "valid through", "validade", "data de validade",
            "valido ate", "valida ate", "data de vencimento", "vencimento",
        ],
        examples: [Label::new("20401231", "20401231"); 2],
    };
}

impl FieldName {
    /// The fields among the facts of a page and of a certificate, in their order there. The
    /// name, the evidence, and the days of award and end have places of their own.
    pub const FACTS: [Self; Self::ALL.len() - 4] = [
        Self::ResultValue,
        Self::CreditsEarned,
        Self::Role,
        Self::Term,
        Self::ActivityStartDate,
        Self::ActivityEndDate,
        Self::LicenseNumber,
    ];

    /// The same fields in their order in the signed document's subject.
    pub const IN_DOCUMENT: [Self; Self::ALL.len() - 4] = [
        Self::ResultValue,
        Self::CreditsEarned,
        Self::Role,
        Self::Term,
        Self::LicenseNumber,
        Self::ActivityStartDate,
        Self::ActivityEndDate,
    ];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        self.spec().wire
    }

    /// The label on pages.
    pub fn label(self, lang: Lang) -> &'static str {
        (self.spec().texts)(&lang.texts().fields).label
    }

    /// The label on a certificate, which has less room.
    pub fn short(self, lang: Lang) -> &'static str {
        (self.spec().texts)(&lang.texts().fields).short
    }

    /// The type on the wire.
    pub fn kind(self) -> Kind {
        self.spec().kind
    }

    /// Whether the field is a text.
    pub fn is_text(self) -> bool {
        self.kind() == Kind::Text
    }

    /// The field of a name on the wire.
    pub fn of(wire: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == wire)
    }

    /// The fields that a correction can change, beside `email`.
    pub fn correctable() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|field| field.spec().correctable)
    }

    /// The names on the wire, for texts that list them.
    pub fn list() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }
}

/// The field of a recipient, or of an entry of its evidence, that an unknown name is near to.
pub fn field_meant(written: &str) -> Option<&'static str> {
    match written.strip_prefix("evidence[").and_then(|entry| entry.split_once("].")) {
        Some((_, part)) => nearest(part, ["name", "url", "description"]),
        None => {
            let beside = ["email", "external_id", "language", METADATA];
            nearest(written, FieldName::ALL.map(FieldName::as_str).into_iter().chain(beside))
        }
    }
}

/// The recipient's field at a JSON Pointer into a document, as the API names it; none for a
/// value of the template or the organization.
pub fn field_at(pointer: &str) -> Option<String> {
    let parts: Vec<&str> = pointer.split('/').skip(1).collect();
    match parts.as_slice() {
        ["evidence", number, rest @ ..] => Some(match rest.first() {
            Some(&"id") => format!("evidence[{number}].url"),
            Some(name) => format!("evidence[{number}].{name}"),
            None => format!("evidence[{number}]"),
        }),
        ["credentialSubject", term, ..] | [term] => {
            let field = FieldName::ALL.into_iter().find(|field| field.spec().term == *term)?;
            Some(field.as_str().to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_on_the_wire_is_the_one_in_items() {
        for field in FieldName::ALL {
            let stored = serde_json::to_value(field).expect("JSON");
            assert_eq!(stored, field.as_str());
            assert_eq!(FieldName::of(field.as_str()), Some(field));
        }
    }

    #[test]
    fn pages_and_documents_have_every_field_once() {
        for listed in [FieldName::FACTS, FieldName::IN_DOCUMENT] {
            for field in FieldName::ALL {
                let apart = matches!(
                    field,
                    FieldName::RecipientName
                        | FieldName::Evidence
                        | FieldName::AwardedOn
                        | FieldName::ValidUntil
                );
                let count = listed.iter().filter(|other| **other == field).count();
                assert_eq!(count, usize::from(!apart), "{field:?}");
            }
        }
    }

    #[test]
    fn a_place_in_the_document_leads_to_the_recipients_field() {
        for (pointer, field) in [
            ("/evidence/1/id", Some("evidence[1].url")),
            ("/evidence/0/description", Some("evidence[0].description")),
            ("/evidence/2", Some("evidence[2]")),
            ("/credentialSubject/result/0/value", Some("result_value")),
            ("/credentialSubject/licenseNumber", Some("license_number")),
            ("/credentialSubject/identifier/1/identityHash", Some("recipient_name")),
            ("/awardedDate", Some("awarded_on")),
            ("/credentialSubject/achievement/name", None),
            ("/name", None),
        ] {
            assert_eq!(field_at(pointer).as_deref(), field, "{pointer}");
        }
    }
}
