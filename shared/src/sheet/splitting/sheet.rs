//! The lines of a spreadsheet's copy, see [`workbook`](crate::sheet::workbook).

use super::{Splitter, TypedCell};
use crate::sheet::{
    fault::SheetFault,
    limits::MAX_CELLS,
    workbook::line::{CellKind, Line},
};

impl Splitter {
    /// Reads the line that ends here into the cells of its row.
    pub(super) fn read_line(&mut self) -> Result<(), SheetFault> {
        std::mem::swap(&mut self.raw, &mut self.output);
        self.output.clear();
        let line = Line::read(&self.raw).ok_or_else(broken)?;
        self.line = line.line;
        for cell in line.cells() {
            self.output.extend_from_slice(cell.as_bytes());
            self.ends.push(self.output.len());
        }
        if self.ends.len() > MAX_CELLS {
            return Err(broken());
        }
        let kinds = line.kinds().enumerate().filter(|(_, kind)| *kind != CellKind::Text);
        self.typed.extend(kinds.map(|(at, kind)| TypedCell { at, kind, value: None }));
        for (at, value) in line.values() {
            if let Some(cell) = self.typed.iter_mut().find(|cell| cell.at == at) {
                cell.value = Some(value.to_owned());
            }
        }
        Ok(())
    }
}

/// A copy that this service did not write.
fn broken() -> SheetFault {
    SheetFault::new(
        "sheet_unreadable",
        "La copia de la planilla está dañada: sube el archivo de nuevo",
        "The copy of the spreadsheet is damaged: upload the file again",
    )
}
