//! Columns: their names, what is assigned to them, and their faults.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    super::{
        column::Column,
        columns::{self, Assignments},
        names::{BESIDE, NAMES, plain},
    },
    terms, *,
};
use crate::domain::{
    column_map::{ColumnMap, Decided, ReadColumn},
    field::FieldName,
};

/// A template with all fields.
fn definition() -> Definition {
    let fields: Vec<Value> = FieldName::ALL.map(|f| json!({ "name": f.as_str() })).into();
    let body = json!({ "name": "Curso", "description": "Un curso", "fields": fields });
    let fields = Fields::of_body(body.to_string().as_bytes()).expect("an object");
    Definition::read(fields).expect("a definition").0
}

fn map(entries: &Value) -> ColumnMap {
    let body = json!({ "column_map": entries }).to_string();
    let mut fields = Fields::of_body(body.as_bytes()).expect("an object");
    let map = ColumnMap::take(&mut fields, columns::target, columns::compared).expect("a map");
    fields.end().expect("no fault");
    map
}

fn survey(file: &str, assigned: Assigned<'_>) -> Result<Surveyed, SheetFault> {
    let definition = definition();
    let mut survey = Survey::begin(file.as_bytes(), Terms { assigned, ..terms(&definition) })?;
    let start = usize::try_from(survey.starts_at()).expect("small");
    survey.push(&file.as_bytes()[start..])?;
    survey.finish()
}

/// The first recipient of a file.
fn first(file: &str, assigned: Assigned<'_>) -> Recipient {
    let found = survey(file, assigned).unwrap_or_else(|fault| panic!("{file}: {}", fault.es));
    let definition = definition();
    let mut rows = Rows::new(&found.format, &definition, found.format.start);
    let start = usize::try_from(found.format.start.offset).expect("small");
    let mut read = rows.push(&file.as_bytes()[start..]).expect("rows");
    read.extend(rows.finish().expect("rows"));
    let row = read.into_iter().next().expect("a row");
    row.entry.recipient.unwrap_or_else(|faults| panic!("{file}: {faults:?}"))
}

/// The columns of a file that is refused for them.
fn open(file: &str) -> (SheetFault, Vec<(String, Option<String>)>) {
    let mut fault = survey(file, Assigned::default()).expect_err("a fault");
    let columns = std::mem::take(&mut fault.columns);
    let unread = columns.into_iter().filter(|column| column.decided_by == Decided::Open);
    (fault, unread.map(|column| (column.name, column.suggestion)).collect())
}

#[test]
fn what_the_usual_programs_write_is_known_in_three_languages() {
    let files = [
        "First name,Last name,Email address,Course total (Real)\nAna,Pérez,a@x.cl,A",
        "Nombre,Apellido(s),Dirección de correo,Total del curso (Real)\nAna,Pérez,a@x.cl,A",
        "Nombre(s),Apellido(s),Dirección Email,Total del curso (Letra)\nAna,Pérez,a@x.cl,A",
        "Nome,Sobrenome,Endereço de email,Total do curso (Real)\nAna,Pérez,a@x.cl,A",
        "Nome próprio,Apelido(s),Endereço de e-mail,Classificação final\nAna,Pérez,a@x.cl,A",
        "Last Name,First Name,Email Address,Grade\nPérez,Ana,a@x.cl,A",
        "Apellidos,Nombre,Dirección de correo electrónico,Calificación\nPérez,Ana,a@x.cl,A",
        "Sobrenome,Nome,E-mail do aluno,Conceito\nPérez,Ana,a@x.cl,A",
        "Email Address,Score,Full name\na@x.cl,A,Ana Pérez",
        "Dirección de correo electrónico,Puntuación,Nombre y apellidos\na@x.cl,A,Ana Pérez",
        "Endereço de e-mail,Pontuação,Nome completo\na@x.cl,A,Ana Pérez",
        "Email,Name,Result\na@x.cl,Ana Pérez,A",
        "Name (Original Name),User Email,Final Grade\nAna Pérez,a@x.cl,A",
        "Nombre (nombre original),E-mail del usuario,Nota\nAna Pérez,a@x.cl,A",
        "Nome (nome original),E-mail do usuário,Nota do curso\nAna Pérez,a@x.cl,A",
        "VORNA,NACHN,SMTP_ADDR,GRADESYM\nAna,Pérez,a@x.cl,A",
        "SPRIDEN_LAST_NAME,SPRIDEN_FIRST_NAME,GOREMAL_EMAIL_ADDRESS,SHRTCKG_GRDE_CODE_FINAL\nPérez,Ana,a@x.cl,A",
        "Apellidos y nombres;Correo;Nota final\n\"Pérez, Ana\";a@x.cl;A",
        "Student;Email;Letter grade;#SIS Login ID\n\"Pérez, Ana\";a@x.cl;A;x",
        "Nombre del estudiante;Correo del alumno;Resultado final\nAna Pérez;a@x.cl;A",
    ];
    for file in files {
        let read = match file.starts_with("Student") {
            false => first(file, Assigned::default()),
            // Known as Canvas's while that column is not marked.
            true => first(
                &file.replace('#', ""),
                Assigned {
                    given: Some(&map(&json!({ "SIS Login ID": "ignore" }))),
                    remembered: None,
                },
            ),
        };
        assert_eq!(read.email.as_str(), "a@x.cl", "{file}");
        assert_eq!(read.recipient_name.as_deref(), Some("Ana Pérez"), "{file}");
        assert_eq!(read.result_value.as_deref(), Some("A"), "{file}");
    }
}

#[test]
fn parts_of_a_name_are_joined_in_their_order_and_a_whole_one_beside_them_is_a_fault() {
    let files = [
        "Segundo apellido;Primer apellido;Segundo nombre;Primer nombre;Correo\nSoto;Pérez;María;Ana;a@x.cl",
        "Nombre;Segundo nombre;Apellido;Apellido;Correo\nAna;María;Pérez;Soto;a@x.cl",
        "email,first name,middle name,last name,second last name\na@x.cl,Ana,María,Pérez,Soto",
        "MIDNM;VORNA;NACH2;NACHN;email\nMaría;Ana;Soto;Pérez;a@x.cl",
    ];
    for file in files {
        let read = first(file, Assigned::default());
        assert_eq!(read.recipient_name.as_deref(), Some("Ana María Pérez Soto"), "{file}");
    }
    let fault = open("Nombre completo;Apellidos;Correo\nAna Pérez;Pérez;a@x.cl").0;
    assert_eq!((fault.code, fault.column), ("repeated_column", Some(2)));
    assert!(
        fault.es.contains("«Apellidos», que se lee igual que «Nombre completo» (A)"),
        "{}",
        fault.es
    );
}

#[test]
fn one_fault_names_every_unknown_column_each_with_what_it_may_be() {
    let (fault, unread) = open(
        "N°;RUT;N° de matrícula;Correo;Nombre del estudiante;Nota fnal del curso;Marca temporal;Color;Periodo académico 2026\n1;1-9;A-1;a@x.cl;Ana;A;x;y;z\n",
    );
    assert_eq!((fault.code, fault.line, fault.column), ("unknown_column", Some(1), None));
    let text = fault.text(Lang::Es);
    assert!(
        text.starts_with("Línea 1: No se reconocen 7 columnas: «N°» (A), ¿sin leer?, «RUT» (B)"),
        "{text}"
    );
    assert!(text.contains("«Nota fnal del curso» (F), ¿es «Calificación»?"), "{text}");
    assert!(
        text.contains("«Color» (H), «Periodo académico 2026» (I), ¿es «Periodo»? Indica"),
        "{text}"
    );
    let suggested: Vec<Option<&str>> = unread.iter().map(|(_, s)| s.as_deref()).collect();
    let ignore = Some("ignore");
    let wanted = [ignore, ignore, ignore, Some("result_value"), ignore, None, Some("term")];
    assert_eq!(suggested, wanted, "{unread:?}");
    // A column that is there already is no guess for another.
    assert_eq!(open("email;Nota;Nota 2\na@x.cl;A;B").1, [("Nota 2".to_owned(), None)]);
    let (fault, _) =
        open(&format!("email{}\na@x.cl\n", (0..300).map(|n| format!(";x{n}")).collect::<String>()));
    assert!(fault.es.len() < 3_000 && fault.es.contains(" y 260 más."), "{}", fault.es);
    // Without a known column the line is no header.
    assert_eq!(open("a@x.cl;Ana;A\n").0.code, "missing_column");
}

#[test]
fn what_is_given_comes_before_what_is_remembered_and_that_before_names() {
    let file = "Correo;Alumna;Puntos;Nota\na@x.cl;Ana;7;A\n";
    let given = map(&json!({ "puntos": "license_number", "ALUMNA": "Nombre completo" }));
    let remembered = map(&json!({ "Puntos": "ignore", "Nota": "term", "Otra": "role" }));
    let both = Assigned { given: Some(&given), remembered: Some(&remembered) };
    let read = first(file, both);
    assert_eq!(read.recipient_name.as_deref(), Some("Ana"));
    assert_eq!(read.license_number.as_deref(), Some("7"));
    assert_eq!((read.term.as_deref(), read.result_value), (Some("A"), None));

    let found = survey(file, both).expect("read");
    assert_eq!(found.format.header, ["Correo", "Nombre completo", "Número de licencia", "Periodo"]);
    let read: Vec<ReadColumn> = found.columns;
    let shown = read.iter().map(|c| (c.name.as_str(), c.read_as.as_deref(), c.decided_by));
    assert_eq!(
        shown.collect::<Vec<_>>(),
        [
            ("Correo", Some("email"), Decided::Name),
            ("Alumna", Some("recipient_name"), Decided::Given),
            ("Puntos", Some("license_number"), Decided::Given),
            ("Nota", Some("term"), Decided::Remembered),
        ]
    );
    assert_eq!(read[2].values, ["7"]);

    let slip = map(&json!({ "Punto": "ignore" }));
    let fault =
        survey(file, Assigned { given: Some(&slip), remembered: None }).expect_err("a fault");
    assert_eq!(fault.code, "column_not_in_file");
    assert!(fault.es.ends_with("¿Es «Puntos»?"), "{}", fault.es);
    assert_eq!(fault.columns.len(), 4);
}

/// The header that a job keeps says the same by itself as the assigned one did.
#[test]
fn whatever_is_assigned_the_kept_names_say_the_same() {
    let names = [
        "Correo",
        "Nombre",
        "Nombre completo",
        "Apellido",
        "Apellido",
        "Status",
        "credential_id",
        "row",
        "Student",
        "SIS Login ID",
        "#x",
        "",
        "%",
        "Evidencia 2 url",
        "Evidencia",
        "Nota",
        "Idioma",
        "Marca temporal",
        "Créditos",
    ];
    let targets = [
        "email",
        "external_id",
        "language",
        "recipient_name",
        "given_name",
        "middle_name",
        "family_name",
        "second_family_name",
        "family_name_first",
        "result_value",
        "evidence",
        "evidence_url",
        "evidence_3_description",
        "term",
        "ignore",
    ];
    // A linear congruential generator: the same headers in every run.
    let mut state = 20_261_128_u64;
    let mut draw = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(state >> 33).expect("31 bits") % below
    };
    for _ in 0..5_000 {
        let header: Vec<String> =
            (0..=draw(6)).map(|_| names[draw(names.len())].to_owned()).collect();
        let mut entries = serde_json::Map::new();
        for _ in 0..draw(4) {
            let name = names[draw(names.len())];
            if !name.is_empty() {
                entries.insert(name.to_owned(), targets[draw(targets.len())].into());
            }
        }
        let given = map(&Value::Object(entries.clone()));
        let assigned = Assigned { given: Some(&given), remembered: None };
        let columns = Columns::assigned(&header, &Assignments::from(assigned));
        let kept = columns.names(&header);
        let again = Columns::of(&kept);
        assert_eq!(again.all(), columns.all(), "{header:?} {entries:?} {kept:?}");
        assert_eq!(again.are_ours(), columns.are_ours(), "{header:?} {entries:?} {kept:?}");
    }
    for target in targets {
        assert_eq!(columns::target(target).as_deref(), Some(target));
    }
    for wrong in ["", "nada", "status", "#x", "evidence_11_url"] {
        assert!(columns::target(wrong).is_none() || wrong == "#x", "{wrong}");
    }
}

#[test]
fn a_name_is_known_once_and_as_it_is_compared() {
    let mut seen = BTreeSet::new();
    let fields = FieldName::ALL.into_iter().flat_map(|field| field.spec().aliases.iter());
    let names = NAMES.iter().flat_map(|(_, names)| names.iter()).chain(fields).chain(BESIDE);
    for name in names {
        assert_eq!(plain(name), **name, "{name} is never met");
        assert!(seen.insert(*name), "{name} is there twice");
    }
}

#[test]
fn result_columns_are_ours_only_in_a_results_file_of_ours() {
    for name in ["Status", "Error", "Row", "line", "duplicate"] {
        let (fault, unread) = open(&format!("email,name,result,{name}\na@x.cl,Ana,A,Withdrawn\n"));
        assert_eq!((fault.code, unread.len()), ("unknown_column", 1), "{name}");
    }
    let ours =
        "email,name,result,row,line,status,credential_id,error\na@x.cl,Ana,A,1,2,failed,,Algo\n";
    assert_eq!(first(ours, Assigned::default()).recipient_name.as_deref(), Some("Ana"));
    assert_eq!(Columns::of(&["Status".to_owned()]).all(), [Column::Unknown]);
}

/// Headers as people report them of other importers.
#[test]
fn headers_that_others_stumble_over_are_read() {
    for file in [
        "\u{feff}\u{feff}email,name,result\na@x.cl,Ana Pérez,A",
        "\"\u{feff}email\",\"name\",\"result\"\na@x.cl,Ana Pérez,A",
        "EMAIL ,Full\u{a0}Name, Final  Grade\na@x.cl,Ana Pérez,A",
        "E-mail:,Nombre completo *,Nota final (letra)\na@x.cl,Ana Pérez,A"
            .replace(" (letra)", "")
            .as_str(),
        "Student,ID,SIS Login ID,Section,Email,Final Grade\n\"Pérez, Ana\",1,p1,S1,a@x.cl,A",
        "Student,ID,SIS Login ID,Section,Email,Final Grade\nAna Pérez,1,p1,S1,a@x.cl,A",
    ] {
        let canvas = json!({ "ID": "ignore", "SIS Login ID": "ignore", "Section": "ignore" });
        let given = map(&if file.starts_with("Student") { canvas } else { json!({}) });
        let read = first(file, Assigned { given: Some(&given), remembered: None });
        assert_eq!(read.recipient_name.as_deref(), Some("Ana Pérez"), "{file}");
        assert_eq!((read.email.as_str(), read.result_value.as_deref()), ("a@x.cl", Some("A")));
    }
    // Two columns of one name are not one.
    assert_eq!(open("email,name,result,result\na@x.cl,Ana,A,B\n").0.code, "repeated_column");
}
