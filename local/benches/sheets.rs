//! A row of a spreadsheet against a row of CSV: CPU of all that is done with a file before its rows are
//! stored (a spreadsheet is unpacked first), and the most memory that this takes.
//!
//! `cargo bench --bench sheets` (a minute; `-- 20000` for another number of rows). No service runs.

#![expect(clippy::indexing_slicing, reason = "a benchmark stops at the first surprise")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::io::Write;

use anyhow::{Context as _, Result, ensure};
use unicreda::{
    domain::{fields::Fields, ids::TemplateId, template::Definition},
    sheet::{
        MAX_HEADER, Rows, SheetFault, Survey, Surveyed, Terms,
        workbook::{Ask, SheetWriter, Spreadsheet},
    },
};

/// Rows, unless another number is given: the most that a spreadsheet may have.
const ROWS: u32 = 200_000;
/// Bytes that are read at a time.
const PIECE: usize = 1024 * 1024;

fn main() -> Result<()> {
    let rows = std::env::args().filter_map(|argument| argument.parse().ok()).next();
    let rows = rows.unwrap_or(ROWS);
    let definition = definition()?;
    let terms = Terms::of(TemplateId::parse("00000000-0000-4000-8000-000000000000")?, &definition);
    let (csv, xlsx) = files(rows)?;
    println!("{rows} rows: CSV {} MB, xlsx {} MB", csv.len() >> 20, xlsx.len() >> 20);
    let began = cpu()?;
    read(&csv, terms, Survey::begin, rows)?;
    let of_csv = cpu()? - began;
    std::fs::write("/proc/self/clear_refs", "5").context("the peak begins anew")?;
    let before = held("VmRSS")?;
    let began = cpu()?;
    let spreadsheet = Spreadsheet::open(&xlsx).map_err(refused)?;
    let mut unpacking = spreadsheet.unpack(terms, Ask::default()).map_err(refused)?;
    let mut copy = tempfile::tempfile()?;
    while let Some(piece) = unpacking.piece().map_err(refused)? {
        copy.write_all(&piece)?;
    }
    let unpacked = cpu()? - began;
    let peak = held("VmHWM")? - before + (xlsx.len() >> 10) as f64;
    drop(unpacking);
    drop(spreadsheet);
    let mut lines = Vec::new();
    std::io::Seek::rewind(&mut copy)?;
    std::io::Read::read_to_end(&mut copy, &mut lines)?;
    let began = cpu()?;
    read(&lines, terms, Survey::of_copy, rows)?;
    let of_sheet = unpacked + cpu()? - began;
    let row = |seconds: f64| seconds * 1e6 / f64::from(rows);
    println!(
        "CSV {:.2} µs a row; xlsx {:.2}, of them {:.2} to unpack: {:.2} times as much; unpacking holds {:.0} MB at most, the file included",
        row(of_csv),
        row(of_sheet),
        row(unpacked),
        of_sheet / of_csv,
        peak / 1024.0
    );
    Ok(())
}

fn refused(fault: SheetFault) -> anyhow::Error {
    anyhow::anyhow!("{}: {}", fault.code, fault.en)
}

/// CPU seconds of this process.
fn cpu() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds: f64 = stat.split(' ').next().context("a figure")?.parse()?;
    Ok(nanoseconds / 1e9)
}

/// Kilobytes that this process holds, by a line of its status.
fn held(line: &str) -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|of| of.starts_with(line)).context("the line")?;
    Ok(line.split_whitespace().nth(1).context("a figure")?.parse()?)
}

fn definition() -> Result<Definition> {
    let names =
        ["credits_earned", "evidence", "role", "term", "activity_start_date", "activity_end_date"];
    let mut fields: Vec<_> = names.iter().map(|name| serde_json::json!({ "name": name })).collect();
    for name in ["recipient_name", "result_value"] {
        fields.push(serde_json::json!({ "name": name, "required": true }));
    }
    let body = serde_json::json!({ "name": "Curso", "description": "Un curso", "fields": fields });
    let fields =
        Fields::of_body(body.to_string().as_bytes()).map_err(|_| anyhow::anyhow!("fields"))?;
    Ok(Definition::read(fields).map_err(|_| anyhow::anyhow!("a definition"))?.0)
}

/// The same rows in both formats, as the benchmark of files has them.
fn files(rows: u32) -> Result<(Vec<u8>, Vec<u8>)> {
    let names = "Correo electrónico;Nombre completo;Calificación;Créditos;Rol;Periodo;Fecha de inicio;Fecha de fin;Evidencia url;Evidencia nombre;Evidencia descripción";
    let names: Vec<String> = names.split(';').map(str::to_owned).collect();
    let mut csv = names.join(";") + "\r\n";
    let mut sheet = SheetWriter::begin("Acta", &names)?;
    for n in 1..=rows {
        let row = [
            format!("persona.{n}@ejemplo.com"),
            format!("María José Fernández Núñez {n}"),
            ["A", "B", "C"][usize::try_from(n % 3)?].to_owned(),
            "6,5".to_owned(),
            "Estudiante".to_owned(),
            "2026-2".to_owned(),
            "2026-08-03".to_owned(),
            "2026-11-15".to_owned(),
            format!("https://repositorio.ejemplo.com/proyectos/2026/{n:08}/memoria"),
            format!("Proyecto de título {n}"),
            "Diseño e implementación de una API de emisión de credenciales, con sus pruebas y su documentación".to_owned(),
        ];
        csv += &row.join(";");
        csv += "\r\n";
        sheet.row(&row)?;
    }
    Ok((csv.into_bytes(), sheet.finish()?))
}

/// Surveys a file and reads its rows, as its job does.
fn read<'a>(
    file: &[u8],
    terms: Terms<'a>,
    begin: impl Fn(&[u8], Terms<'a>) -> Result<Survey<'a>, SheetFault>,
    rows: u32,
) -> Result<()> {
    let mut survey = begin(&file[..MAX_HEADER.min(file.len())], terms).map_err(refused)?;
    let start = usize::try_from(survey.starts_at())?;
    for piece in file[start..].chunks(PIECE) {
        survey.push(piece).map_err(refused)?;
    }
    let Surveyed { format, rows: counted, .. } = survey.finish().map_err(refused)?;
    ensure!(counted == rows, "{counted} of {rows} rows");
    let mut reader = Rows::new(&format, terms.definition, format.start);
    let mut read = 0;
    for piece in file[start..].chunks(PIECE) {
        read += reader
            .push(piece)
            .map_err(refused)?
            .iter()
            .filter(|row| row.entry.recipient.is_ok())
            .count();
    }
    read += reader.finish().map_err(refused)?.len();
    ensure!(read == usize::try_from(rows)?, "{read} of {rows} rows can be read");
    Ok(())
}
