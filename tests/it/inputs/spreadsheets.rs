//! Tables as spreadsheets and pipelines write them: other separators, encodings and numbers, packed, workbooks, folders
//! of folders. Read as plain CSV, and what was guessed is said once.

use std::fs;
use std::io::Write;
use std::path::Path;

use super::refused;
use crate::support::{clipflow, csv_rows, show, stderr, stdout};

/// What `validate` says of a file: the rows, and standard error.
fn checked(folder: &Path, file: &str) -> (Vec<String>, String) {
    let output = clipflow(folder, &["validate", file]);
    assert!(output.status.code().is_some_and(|c| c == 0 || c == 3), "{}", stderr(&output));
    (stdout(&output).lines().map(str::to_owned).collect(), stderr(&output))
}

/// Rows whose answer shows that every cell was read: a number that is too small, text beyond ASCII.
fn is_read(folder: &Path, file: &str, guessed: &[&str]) {
    let (rows, said) = checked(folder, file);
    assert_eq!(rows.len(), 3, "{file}: {rows:?} {said}");
    assert_eq!(rows[0], "row 1 (a): valid", "{file}: {said}");
    let sentence = "row 2 (é): invalid_request.bad_length";
    assert!(rows[1].starts_with(sentence) && rows[1].contains("7.5"), "{file}: {rows:?}");
    for part in guessed {
        assert_eq!(said.matches(part).count(), 1, "{file}, {part}: {said}");
    }
    assert_eq!(said.lines().count(), usize::from(!guessed.is_empty()), "{file}: {said}");
}

/// The rows of a query over a file, which is the table `t`.
fn asked(folder: &Path, file: &str, query: &str) -> Vec<String> {
    let table = format!("t={}", folder.join(file).display());
    let args = ["sql", "out", "--table", &table, query, "--format", "csv"];
    csv_rows(query, &clipflow(show::finished(), &args))
}

const SEMICOLONS: &str =
    "request_id;source_url;min_clip_length;max_clip_length\r\na;v.mp4;5;7,5\r\né;v.mp4;9;7,5\r\n";

fn utf16(text: &str, mark: bool) -> Vec<u8> {
    let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

fn pack(kind: &str, bytes: &[u8]) -> Vec<u8> {
    match kind {
        "gz" => {
            let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        "bz2" => {
            let mut encoder = bzip2::write::BzEncoder::new(vec![], bzip2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        _ => zstd::encode_all(bytes, 1).unwrap(),
    }
}

#[test]
fn text_tables_of_all_forms_are_read_and_the_guess_is_said_once() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let commas =
        "request_id,source_url,min_clip_length,max_clip_length\na,v.mp4,5,7.5\né,v.mp4,9,7.5\n";
    fs::write(at("plain.csv"), commas).unwrap();
    is_read(folder.path(), "plain.csv", &[]);
    fs::write(at("mark.csv"), format!("\u{feff}{commas}")).unwrap();
    is_read(folder.path(), "mark.csv", &[]);
    let decimal = "max_clip_length have decimal commas";
    fs::write(at("semicolon.csv"), SEMICOLONS).unwrap();
    is_read(folder.path(), "semicolon.csv", &["separated by semicolons", decimal]);
    fs::write(at("said.csv"), format!("sep=;\r\n{SEMICOLONS}")).unwrap();
    is_read(folder.path(), "said.csv", &["separated by semicolons", decimal]);
    fs::write(at("tabs.tsv"), commas.replace(',', "\t")).unwrap();
    is_read(folder.path(), "tabs.tsv", &["separated by tabs"]);
    fs::write(at("bars.txt"), commas.replace(',', "|")).unwrap();
    is_read(folder.path(), "bars.txt", &["separated by vertical bars"]);
    fs::write(at("commas.txt"), commas).unwrap();
    is_read(folder.path(), "commas.txt", &[]);
    fs::write(at("wide.csv"), utf16(SEMICOLONS, true)).unwrap();
    is_read(folder.path(), "wide.csv", &["its encoding is UTF-16LE;", "semicolons"]);
    fs::write(at("bare.csv"), utf16(commas, false)).unwrap();
    is_read(folder.path(), "bare.csv", &["its encoding is UTF-16LE, as its letters say"]);
    let latin: Vec<u8> = commas.chars().map(|c| c as u8).collect();
    fs::write(at("latin.csv"), latin).unwrap();
    is_read(folder.path(), "latin.csv", &["its encoding is windows-1252, as its letters say"]);
    for kind in ["gz", "bz2", "zst"] {
        let name = format!("r.csv.{kind}");
        fs::write(at(&name), pack(kind, commas.as_bytes())).unwrap();
        is_read(folder.path(), &name, &["it is packed with"]);
        let name = format!("r.ndjson.{kind}");
        let rows = "{\"request_id\":\"a\",\"source_url\":\"v.mp4\",\"min_clip_length\":5,\"max_clip_length\":7.5}\n\
            {\"request_id\":\"é\",\"source_url\":\"v.mp4\",\"min_clip_length\":9,\"max_clip_length\":7.5}\n";
        fs::write(at(&name), pack(kind, rows.as_bytes())).unwrap();
        is_read(folder.path(), &name, &["it is packed with"]);
    }
    // Several in a folder, each in its own form, in order of their names.
    fs::create_dir(at("mixed")).unwrap();
    fs::write(at("mixed/1.tsv"), "request_id\tsource_url\na\tv.mp4\n").unwrap();
    fs::write(at("mixed/2.csv"), "request_id,source_url\nb,v.mp4\n").unwrap();
    fs::write(at("mixed/3.csv.gz"), pack("gz", b"request_id;source_url\nc;v.mp4\n")).unwrap();
    let (rows, _) = checked(folder.path(), "mixed");
    assert_eq!(rows[..3], ["row 1 (a): valid", "row 2 (b): valid", "row 3 (c): valid"]);
}

/// A workbook of Excel with those rows, each cell as its XML.
fn workbook(path: &Path, sheets: &[(&str, &[&[&str]])]) {
    let mut zip = zip::ZipWriter::new(fs::File::create(path).unwrap());
    let mut put = |name: &str, text: &str| {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    };
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006";
    put(
        "[Content_Types].xml",
        &format!(
            "<Types xmlns=\"{package}/content-types\"><Default Extension=\"xml\" ContentType=\"application/xml\"/></Types>"
        ),
    );
    put(
        "_rels/.rels",
        &format!(
            "<Relationships xmlns=\"{package}/relationships\"><Relationship Id=\"r1\" Type=\"{office}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
        ),
    );
    let (mut names, mut links) = (String::new(), String::new());
    for (n, (name, rows)) in sheets.iter().enumerate() {
        names += &format!("<sheet name=\"{name}\" sheetId=\"{0}\" r:id=\"s{0}\"/>", n + 1);
        links += &format!(
            "<Relationship Id=\"s{0}\" Type=\"{office}/worksheet\" Target=\"worksheets/sheet{0}.xml\"/>",
            n + 1
        );
        let mut cells = String::new();
        for (r, row) in rows.iter().enumerate() {
            cells += &format!("<row r=\"{}\">", r + 1);
            for (c, cell) in row.iter().enumerate() {
                let place = format!("{}{}", char::from(b'A' + c as u8), r + 1);
                cells += &match cell.strip_prefix("xml:") {
                    Some(xml) => xml.replace("REF", &place),
                    None => format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{cell}</t></is></c>"),
                };
            }
            cells += "</row>";
        }
        let sheet =
            format!("<worksheet xmlns=\"{main}\"><sheetData>{cells}</sheetData></worksheet>");
        put(&format!("xl/worksheets/sheet{}.xml", n + 1), &sheet);
    }
    put(
        "xl/workbook.xml",
        &format!(
            "<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets>{names}</sheets></workbook>"
        ),
    );
    put(
        "xl/_rels/workbook.xml.rels",
        &format!(
            "<Relationships xmlns=\"{package}/relationships\">{links}<Relationship Id=\"st\" Type=\"{office}/styles\" Target=\"styles.xml\"/></Relationships>"
        ),
    );
    // Style 1 is a date.
    put(
        "xl/styles.xml",
        &format!(
            "<styleSheet xmlns=\"{main}\"><cellXfs count=\"2\"><xf numFmtId=\"0\"/><xf numFmtId=\"14\" applyNumberFormat=\"1\"/></cellXfs></styleSheet>"
        ),
    );
    zip.finish().unwrap();
}

#[test]
fn workbooks_are_read_and_other_sheets_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let head: &[&str] = &["request_id", "source_url", "min_clip_length", "max_clip_length"];
    let number = |n: &str| format!("xml:<c r=\"REF\"><v>{n}</v></c>");
    let (five, nine, seven) = (number("5"), number("9"), number("7.5"));
    let rows: [&[&str]; 3] = [head, &["a", "v.mp4", &five, &seven], &["é", "v.mp4", &nine, &seven]];
    workbook(&folder.path().join("r.xlsx"), &[("Requests", &rows)]);
    is_read(folder.path(), "r.xlsx", &[]);
    let sheets: [(&str, &[&[&str]]); 3] =
        [("Empty", &[]), ("Requests", &rows), ("Notes", &[&["x"]])];
    workbook(&folder.path().join("three.xlsx"), &sheets);
    is_read(
        folder.path(),
        "three.xlsx",
        &["the sheet Requests was read and others were left out (Empty, Notes)"],
    );
    // Days are days, as tables of a query have them.
    let day = "xml:<c r=\"REF\" s=\"1\"><v>46143</v></c>";
    let rows: [&[&str]; 2] = [&["campaign", "begins", "cost"], &["spring", day, &seven]];
    workbook(&folder.path().join("t.xlsx"), &[("T", &rows)]);
    let ask = "SELECT campaign, begins + INTERVAL '1 day' AS next, cost * 2 AS twice FROM t";
    assert_eq!(asked(folder.path(), "t.xlsx", ask), ["spring,2026-05-02,15.0"]);
    // A far cell costs nothing, and what is no workbook is told.
    let far: [&[&str]; 2] =
        [head, &["a", "v.mp4", &five, &seven, "xml:<c r=\"XFD1048576\"><v>1</v></c>"]];
    workbook(&folder.path().join("far.xlsx"), &[("T", &far)]);
    let output = clipflow(folder.path(), &["validate", "far.xlsx"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    fs::write(folder.path().join("broken.xlsx"), b"PK\x03\x04 and nothing").unwrap();
    let said = refused(folder.path(), "broken.xlsx");
    assert!(
        said.contains("broken.xlsx") && said.contains("no workbook that can be read"),
        "{said}"
    );
}

#[test]
fn packed_files_that_are_damaged_and_files_of_no_kind_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let whole = pack("gz", "source_url\nv.mp4\n".repeat(1000).as_bytes());
    fs::write(at("cut.csv.gz"), &whole[..whole.len() / 2]).unwrap();
    let said = refused(folder.path(), "cut.csv.gz");
    assert!(said.contains("cannot read cut.csv.gz"), "{said}");
    fs::write(at("r.dat"), "one line of text").unwrap();
    let said = refused(folder.path(), "r.dat");
    assert!(said.contains("r.dat") && said.contains("what kind of file it is"), "{said}");
}

#[test]
fn folders_of_folders_are_one_table_with_their_keys_as_columns() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let path = folder.path().join("hive").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("campaign=spring%20sale/part-0.csv", "request_id,source_url\na,v.mp4\n");
    put("campaign=a%2Fb/part-0.csv", "request_id,source_url,topic\nb,v.mp4,x\n");
    put("campaign=__HIVE_DEFAULT_PARTITION__/part-0.csv", "request_id,source_url\nc,v.mp4\n");
    put("_SUCCESS", "");
    put("_temporary/part-1.csv", "request_id,source_url\nz,v.mp4\n");
    let output = clipflow(folder.path(), &["validate", "hive", "-o", "v.parquet"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let found = asked(folder.path(), "v.parquet", "SELECT request_id, campaign FROM t ORDER BY 1");
    assert_eq!(found, ["a,spring sale", "b,a/b", "c,"]);
}
