//! Spreadsheets on the command line: what of one was read, and the options that say what is to be.

use std::fs;

use rust_xlsxwriter::{Worksheet, workbook::Workbook};

use crate::harness::World;

/// Writes rows of texts.
fn fill(page: &mut Worksheet, name: &str, rows: &[[&str; 4]]) {
    page.set_name(name).expect("a name");
    for (row, cells) in (0..).zip(rows) {
        for (column, cell) in (0..).zip(cells) {
            page.write_string(row, column, *cell).expect("a cell");
        }
    }
}

/// Two sheets of people, the first with a hidden row and a hidden column.
fn acta() -> Vec<u8> {
    let header = ["Correo", "Nombre", "Calificación", "Periodo"];
    let mut book = Workbook::new();
    let page = book.add_worksheet();
    let rows = [
        header,
        ["uno@ejemplo.com", "Uno Soto", "A", "2026-2"],
        ["dos@ejemplo.com", "Dos Soto", "A", "2026-2"],
    ];
    fill(page, "Acta A", &rows);
    page.set_row_hidden(2).expect("a row");
    page.set_column_hidden(3).expect("a column");
    let page = book.add_worksheet();
    fill(page, "Acta B", &[header, ["tres@ejemplo.com", "Tres Soto", "B", ""]]);
    book.save_to_buffer().expect("a file")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_read_of_a_spreadsheet_is_said_and_options_say_what_is_to_be() {
    let world = World::new().await;
    fs::write(world.path("acta.xlsx"), acta()).expect("written");
    let refused = world.run(&["issue", "acta.xlsx", "--dry-run"]).code(1);
    let refused = refused.stdout_has("La hoja «Acta A» tiene 1 fila oculta o filtrada");
    let refused = refused.stderr_has("--hidden-rows skip");
    assert!(!format!("{}{}", refused.out, refused.err).contains("hidden_rows"), "{refused:?}");
    let none = world.run(&["issue", "acta.xlsx", "--dry-run", "--sheet", "Notas"]).code(1);
    none.stdout_has("no tiene la hoja «Notas». Tiene: «Acta A», «Acta B»")
        .stderr_has("--sheet NOMBRE");

    let skip = ["issue", "acta.xlsx", "--dry-run", "--hidden-rows", "skip"];
    let checked = world.done(&skip).stdout_has("1 fila: 1 nueva");
    let checked = checked.stdout_has("Hoja leída: «Acta A»; no se leyó: «Acta B»");
    let checked = checked.stdout_has("Aviso: Hay columnas ocultas en la hoja");
    checked
        .stdout_has("(«Periodo»)")
        .stdout_has("Aviso: Otras hojas también tienen direcciones")
        .stdout_has("(«Acta B»)");
    let other = world.done(&["issue", "acta.xlsx", "--dry-run", "--sheet", "Acta B"]);
    let other = other.stdout_has("Hoja leída: «Acta B»; no se leyó: «Acta A»");
    assert!(!other.out.contains("Aviso"), "{other:?}");
    world.stack.shutdown().await;
}
