//! What a whole file says of values that can be read in two ways. Eight of nine dates with day
//! and month swapped are days of the calendar too, so a column is judged before any of it is
//! issued, and refused unless its own values leave one reading.

use super::{
    column::Column,
    columns::Columns,
    entry::meant_text,
    fault::{SheetFault, letters},
};
use crate::domain::{
    custom_field::CustomKind,
    dates::{Numeric, Order},
    encoding::Encoding,
    field::{FieldName, Kind},
    template::Definition,
    text::cleaned,
};

/// Longest value that is judged, in bytes.
const MAX_VALUE: usize = 64;

/// The judge of a file's values.
#[derive(Debug)]
pub(super) struct Judge {
    kinds: Vec<Option<Kind>>,
    ours: bool,
    dates: Dates,
    numbers: Numbers,
}

/// A value and its place.
#[derive(Debug)]
struct Place {
    line: u64,
    /// From 1.
    column: usize,
    text: String,
}

/// The first date that proves an order, and the first that can be read in both.
#[derive(Debug, Default)]
struct Dates {
    day_first: Option<Place>,
    month_first: Option<Place>,
    open: Option<Place>,
}

/// What numbers say of their signs.
#[derive(Debug, Default)]
struct Numbers {
    comma: Sign,
    point: Sign,
    /// The most that the template allows.
    max: Option<f64>,
}

/// What numbers say of one sign.
#[derive(Debug, Default)]
struct Sign {
    /// Whether a number that is read in one way has it before its decimals.
    is_decimal: bool,
    /// The first number in which it may separate thousands: `1.500`.
    open: Option<Place>,
    /// The first that would be more with thousands than the template allows.
    beyond: Option<Place>,
}

impl Judge {
    pub fn new(columns: &Columns, definition: &Definition) -> Self {
        let kind = |column: &Column| match column {
            Column::Field(field) => {
                Some(field.kind()).filter(|kind| matches!(kind, Kind::Date | Kind::Number))
            }
            Column::Custom(key) => {
                let fact = definition.fact(*key).filter(|fact| fact.kind == CustomKind::Number);
                fact.map(|_| Kind::Number)
            }
            _ => None,
        };
        let credits = definition.field(FieldName::CreditsEarned).and_then(|field| field.max);
        let max = credits.and_then(|max| max.to_string().parse().ok());
        Self {
            kinds: columns.all().iter().map(kind).collect(),
            ours: columns.are_ours(),
            dates: Dates::default(),
            numbers: Numbers { max, ..Numbers::default() },
        }
    }

    /// Takes a cell of a row; its column is from 0. Digits and their signs are the same in every
    /// encoding, so that of the file need not be known yet.
    pub fn take(&mut self, line: u64, at: usize, cell: &[u8], encoding: Encoding) {
        let Some(kind) = self.kinds.get(at).copied().flatten() else { return };
        if cell.len() > MAX_VALUE || !cell.iter().any(u8::is_ascii_digit) {
            return;
        }
        let text = encoding.lossy(cell);
        let text = cleaned(&meant_text(self.ours, &text)).into_owned();
        let place = |text: String| Place { line, column: at + 1, text };
        if kind == Kind::Number {
            self.numbers.take(&text, place);
            return;
        }
        let first = match Numeric::of(&text).map_or(Order::None, Numeric::order) {
            Order::DayFirst => &mut self.dates.day_first,
            Order::MonthFirst => &mut self.dates.month_first,
            Order::Open => &mut self.dates.open,
            Order::None => return,
        };
        first.get_or_insert_with(|| place(text));
    }

    /// The fault of a file whose values leave two readings; `day_first` says that its sender
    /// knows the order of its dates.
    pub fn fault(self, day_first: bool) -> Option<SheetFault> {
        self.dates.fault(day_first).or_else(|| self.numbers.fault())
    }
}

impl Dates {
    fn fault(self, day_first: bool) -> Option<SheetFault> {
        let (code, at, es, en) = match (self.day_first, self.month_first, self.open) {
            (Some(day), Some(month), _) => (
                "mixed_dates",
                month.of(),
                format!(
                    "«{}» tiene el mes primero, y «{}» (línea {}, columna {}) el día, así que no se sabe cuáles están al revés.",
                    month.text,
                    day.text,
                    day.line,
                    letters(day.column)
                ),
                format!(
                    "\"{}\" has the month first, and \"{}\" (line {}, column {}) the day, so it is not known which are the wrong way round.",
                    month.text,
                    day.text,
                    day.line,
                    letters(day.column)
                ),
            ),
            (None, Some(month), _) => (
                "month_first_dates",
                month.of(),
                format!(
                    "«{}» tiene el mes primero: las demás fechas se leerían con el día y el mes cambiados.",
                    month.text
                ),
                format!(
                    "\"{}\" has the month first: the other dates would be read with day and month swapped.",
                    month.text
                ),
            ),
            (None, None, Some(open)) if !day_first => (
                "ambiguous_dates",
                open.of(),
                format!(
                    "Ninguna fecha del archivo dice si «{}» tiene primero el día o el mes. Si es el día, indícalo al subirlo.",
                    open.text
                ),
                format!(
                    "No date of the file says whether \"{}\" has the day or the month first. If it is the day, say so with the upload.",
                    open.text
                ),
            ),
            _ => return None,
        };
        let es = format!(
            "{es} Escribe las fechas como 2026-11-15 o 15-nov-2026 (en Excel, formato de celda aaaa-mm-dd o dd-mmm-aaaa)"
        );
        let en = format!(
            "{en} Write dates as 2026-11-15 or 15-Nov-2026 (in Excel, cell format yyyy-mm-dd or dd-mmm-yyyy)"
        );
        let (line, column) = at;
        Some(SheetFault::new(code, es, en).at_line(line).at_column(column))
    }
}

impl Place {
    fn of(&self) -> (u64, usize) {
        (self.line, self.column)
    }
}

impl Numbers {
    fn take(&mut self, text: &str, place: impl FnOnce(String) -> Place) {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let Some(at) = digits.rfind([',', '.']) else { return };
        let (whole, rest) = digits.split_at(at);
        let is_comma = rest.starts_with(',');
        let fraction = rest.get(1..).unwrap_or_default();
        if !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return;
        }
        let separators = digits.matches([',', '.']).count();
        let same = digits.matches(if is_comma { ',' } else { '.' }).count();
        let of_groups = (1..=3).contains(&whole.len())
            && whole.bytes().all(|b| b.is_ascii_digit())
            && !whole.starts_with('0')
            && fraction.len() == 3;
        let (own, other) = match is_comma {
            true => (&mut self.comma, &mut self.point),
            false => (&mut self.point, &mut self.comma),
        };
        match (separators, same) {
            (1, _) if of_groups => {
                let thousands = format!("{whole}{fraction}").parse::<f64>().unwrap_or_default();
                let beyond = self.max.is_some_and(|max| thousands > max);
                let first = if beyond { &mut own.beyond } else { &mut own.open };
                first.get_or_insert_with(|| place(text.to_owned()));
            }
            // Several of one sign separate thousands, so the other one is the decimal sign.
            (2.., 2..) => other.is_decimal = true,
            _ => own.is_decimal = true,
        }
    }

    fn fault(self) -> Option<SheetFault> {
        let Self { comma, point, .. } = self;
        let open = |sign: Sign, own: bool, other: bool| match (own, other) {
            (_, true) => sign.open.or(sign.beyond),
            (true, false) => None,
            (false, false) => sign.open,
        };
        let (of_point, of_comma) = (point.is_decimal, comma.is_decimal);
        let open = open(point, of_point, of_comma).or_else(|| open(comma, of_comma, of_point))?;
        let digits: String = open.text.chars().filter(|c| !matches!(c, ',' | '.')).collect();
        let text = &open.text;
        Some(
            SheetFault::new(
                "ambiguous_numbers",
                format!(
                    "No está claro si «{text}» son {digits} o un número con decimales. Escríbelo sin separador de miles ({digits}), o con otro número de decimales"
                ),
                format!(
                    "It is not clear whether \"{text}\" is {digits} or a number with decimals. Write it without a separator of thousands ({digits}), or with another number of decimals"
                ),
            )
            .at_line(open.line)
            .at_column(open.column),
        )
    }
}
