//! The rows of a file that are at fault, alone: `issue FILE --faulty FAULTY`. Safe to repeat: it only reads.

use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};

use csv::{ByteRecord, ReaderBuilder, WriterBuilder};
use tempfile::NamedTempFile;

use crate::{
    exit::Failure,
    output_file::OutputFile,
    results::{self, Format, Target},
    session::Session,
};

/// Columns of the results that a faulty row keeps: with them the file is known as one of ours when it is mended and issued.
const KEPT: [&[u8]; 5] = [b"line", b"status", b"error", b"credential_id", b"credential_version"];
/// The states of a row at fault: of a dry run, and of a job that issues.
const AT_FAULT: [&[u8]; 2] = [b"invalid", b"failed"];

/// Writes the rows at fault of a job: the file's own columns, and what is wrong. Without one the file has its header alone.
///
/// # Errors
/// When the results cannot be read, or the file not be written.
pub async fn write(session: &Session, job_id: &str, target: &OutputFile) -> Result<(), Failure> {
    let printer = session.printer;
    let failed = |error: std::io::Error| Failure::file(&target.path, &error);
    let mut whole = NamedTempFile::new().map_err(failed)?;
    results::write_all(session, job_id, (Target::File, Format::Csv), &mut whole).await?;
    let mut file = target.begin()?;
    let rows = pick(&mut whole, &mut file).map_err(failed)?;
    target.finish(file, printer)?;
    let (name, rows) = (target.path.display(), printer.number(rows));
    printer.line(&printer.pick(
        format!("Filas con errores: {name} ({rows})"),
        format!("Rows with errors: {name} ({rows})"),
    ))
}

/// Copies header and faulty rows of a results file; the number of these rows.
fn pick(whole: &mut NamedTempFile, into: &mut impl Write) -> std::io::Result<u64> {
    let whole = whole.as_file_mut();
    whole.seek(SeekFrom::Start(0))?;
    let mut first = Vec::new();
    BufReader::new(&*whole).read_until(b'\n', &mut first)?;
    let delimiter = delimiter_of(&first);
    whole.seek(SeekFrom::Start(0))?;
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(BufReader::new(&*whole));
    let mut writer = WriterBuilder::new()
        .flexible(true)
        .delimiter(delimiter)
        .terminator(csv::Terminator::CRLF)
        .from_writer(into);
    let mut header = ByteRecord::new();
    reader.read_byte_record(&mut header)?;
    let layout = Layout::of(&header);
    writer.write_byte_record(&layout.pick(&header))?;
    let (mut record, mut rows) = (ByteRecord::new(), 0);
    while reader.read_byte_record(&mut record)? {
        let status = layout.status.and_then(|at| record.get(at));
        if status.is_some_and(|status| AT_FAULT.contains(&status)) {
            writer.write_byte_record(&layout.pick(&record))?;
            rows += 1;
        }
    }
    writer.flush()?;
    Ok(rows)
}

/// The delimiter of a results file: what stands behind the name of its first own column.
fn delimiter_of(header: &[u8]) -> u8 {
    let has = |delimiter: u8| {
        let names = [b"row".as_slice(), b"line", b"status"].join(&delimiter);
        header.windows(names.len()).any(|part| part == names)
    };
    [b';', b'\t'].into_iter().find(|delimiter| has(*delimiter)).unwrap_or(b',')
}

/// Where the columns of a results file are.
struct Layout {
    /// The number of the file's own columns, which come first.
    own: usize,
    /// Columns of the results that are kept.
    kept: Vec<usize>,
    status: Option<usize>,
    /// The number of columns; cells beyond have none.
    len: usize,
}

impl Layout {
    fn of(header: &ByteRecord) -> Self {
        let names: Vec<&[u8]> = header.iter().collect();
        let own = names.windows(2).rposition(|pair| pair == [b"row".as_slice(), b"line"]);
        // The results of a job without a file have no columns of its own.
        let own = own.unwrap_or(0);
        let place = |wanted: &[u8]| {
            let found = names.iter().skip(own).position(|name| *name == wanted);
            found.map(|at| at + own)
        };
        let kept = match own {
            0 => (0..names.len()).collect(),
            _ => KEPT.iter().filter_map(|name| place(name)).collect(),
        };
        Self { own, kept, status: place(b"status"), len: names.len() }
    }

    fn pick(&self, record: &ByteRecord) -> ByteRecord {
        let own = (0..self.own).map(|at| record.get(at).unwrap_or_default());
        let kept = self.kept.iter().map(|at| record.get(*at).unwrap_or_default());
        own.chain(kept).chain(record.iter().skip(self.len)).collect()
    }
}
