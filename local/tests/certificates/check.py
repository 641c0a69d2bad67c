"""Checks a certificate against rules of PDF/A-3a (ISO 19005-3) and PDF/UA-1 (ISO 14289-1), and prints what it reads.

    python check.py CERTIFICATE DOCUMENT LANGUAGE

Prints JSON: title, headings, alternative texts, links, the page's text as pdfium reads it, and the colours of the page
drawn small. Ends with 1 and the broken rules. No validator of these standards can be installed from a package
registry, so these are the rules that a generator could break, each looked for in the file itself.
"""

import json
import sys
from pathlib import Path

import pikepdf
import pypdfium2

broken: list[str] = []


def rule(holds, what: str) -> None:
    if not holds:
        broken.append(what)


def metadata(pdf: pikepdf.Pdf) -> str:
    """ISO 19005-3 6.6, ISO 14289-1 5 and 7.1: what the file says of itself."""
    with pdf.open_metadata() as about:
        said = {name: about.get(name) for name in ("pdfaid:part", "pdfaid:conformance", "pdfuaid:part")}
        rule(said == {"pdfaid:part": "3", "pdfaid:conformance": "A", "pdfuaid:part": "1"}, f"standards: {said}")
        title = about.get("dc:title")
    rule(title, "no title")
    rule(pdf.Root.ViewerPreferences.DisplayDocTitle, "the title is not shown")
    rule(pdf.Root.MarkInfo.Marked and not pdf.Root.MarkInfo.get("/Suspects", False), "not marked")
    rule(pdf.Root.get("/OutputIntents"), "no output intent")
    rule(pdf.Root.get("/Outlines"), "no outline")
    rule(not pdf.is_encrypted and "/Encrypt" not in pdf.trailer, "encrypted")
    rule("/ID" in pdf.trailer, "no id")
    return str(title)


def attached(pdf: pikepdf.Pdf, document: bytes) -> None:
    """ISO 19005-3 6.8: the attachment, what it is to the document, and its bytes."""
    files = list(pdf.Root.get("/AF", []))
    rule(len(files) == 1, f"{len(files)} associated files")
    for file in files:
        rule(file.AFRelationship == "/Source", f"relationship {file.AFRelationship}")
        rule(file.EF.F.read_bytes() == document, "the attachment is not the signed document")
        rule(file.EF.F.Subtype == "/application/ld+json", f"media type {file.EF.F.Subtype}")
        rule(file.get("/Desc") and file.get("/UF"), "the attachment has no name or description")
    rule([str(n) for n in pdf.attachments] == [str(file.UF) for file in files], "attachments by name")


def structure(pdf: pikepdf.Pdf) -> dict:
    """ISO 14289-1 7: the tree of roles, in the order of reading."""
    found = {"headings": [], "figures": [], "links": [], "labels": 0, "content": []}
    annotations = []

    def walk(element, above: str) -> None:
        if isinstance(element, int) or not isinstance(element, pikepdf.Dictionary):
            found["content"].append(int(element))
            return
        if element.get("/Type") == "/OBJR":
            rule(above == "/Link", f"an annotation inside {above}")
            annotations.append(element.Obj.objgen)
            return
        if element.get("/Type") == "/MCR":
            found["content"].append(int(element.MCID))
            return
        kind = str(element.S)
        if kind in ("/H1", "/H2", "/H3"):
            found["headings"].append([kind[1:], str(element.get("/T", ""))])
        elif kind == "/Figure":
            rule(str(element.get("/Alt", "")), "a figure without words")
            found["figures"].append(str(element.get("/Alt", "")))
        elif kind == "/LI":
            rule(above == "/L", f"an item inside {above}")
        elif kind in ("/Lbl", "/LBody"):
            rule(above == "/LI", f"{kind} inside {above}")
            found["labels"] += kind == "/Lbl"
        children = element.get("/K", [])
        rule(len(children if isinstance(children, pikepdf.Array) else [children]), f"an empty {kind}")
        for child in children if isinstance(children, pikepdf.Array) else [children]:
            walk(child, kind)

    root = pdf.Root.StructTreeRoot
    for child in root.K if isinstance(root.K, pikepdf.Array) else [root.K]:
        walk(child, "")
    levels = [int(level[1:]) for level, _ in found["headings"]]
    rule(levels and levels[0] == 1, f"levels of headings: {levels}")
    rule(all(after <= before + 1 for before, after in zip(levels, levels[1:])), f"levels of headings: {levels}")
    [page] = pdf.pages
    links = [a for a in page.get("/Annots", [])]
    rule(sorted(a.objgen for a in links) == sorted(annotations), "an annotation outside of the tree")
    for link in links:
        rule(link.get("/Contents") and "/StructParent" in link, "a link without words")
        found["links"].append(str(link.A.URI))
    rule(page.get("/Tabs") == "/S", "the order of the tab key")
    rule("/ParentTree" in root, "no parent tree")
    return found


PAINTS = {"Tj", "TJ", "'", '"', "f", "F", "f*", "S", "s", "B", "B*", "b", "b*", "Do", "sh", "EI"}


def content(pdf: pikepdf.Pdf, in_tree: list[int]) -> None:
    """ISO 14289-1 7.1: whatever is painted has a role or is decoration."""
    [page] = pdf.pages
    open_marks, marked = [], []
    for operands, operator in pikepdf.parse_content_stream(page):
        name = str(operator)
        if name in ("BDC", "BMC"):
            properties = operands[1] if len(operands) > 1 else None
            if isinstance(properties, pikepdf.Name):
                properties = page.Resources.Properties[properties]
            number = properties.get("/MCID") if isinstance(properties, pikepdf.Dictionary) else None
            if number is not None:
                marked.append(int(number))
                rule("/Artifact" not in open_marks, "content inside decoration")
            open_marks.append(str(operands[0]) if number is None else "content")
        elif name == "EMC":
            open_marks.pop()
        elif name in PAINTS:
            rule("content" in open_marks or "/Artifact" in open_marks, f"{name} has no role")
    rule(not open_marks, "marks left open")
    rule(len(set(in_tree)) == len(in_tree), "content twice in the tree")
    rule(sorted(marked) == sorted(in_tree), "content and tree differ")


def fonts(pdf: pikepdf.Pdf) -> None:
    """ISO 19005-3 6.2.11: fonts are embedded, and their letters are known."""
    for value in pdf.objects:
        if not isinstance(value, pikepdf.Dictionary) or value.get("/Type") != "/Font":
            continue
        kind = value.get("/Subtype")
        if kind in ("/Type0", "/Type3"):
            rule("/ToUnicode" in value, f"letters of a font {kind}")
        if kind == "/Type0":
            descriptor = value.DescendantFonts[0].FontDescriptor
            rule("/FontFile2" in descriptor or "/FontFile3" in descriptor, f"{value.BaseFont} is not embedded")
        rule(kind in ("/Type0", "/Type3", "/CIDFontType0", "/CIDFontType2"), f"a font {kind}")


def forbidden(pdf: pikepdf.Pdf) -> None:
    """ISO 19005-3 6.1 and 6.6: what an archive cannot keep."""
    for value in pdf.objects:
        if isinstance(value, (pikepdf.Dictionary, pikepdf.Stream)):
            rule(value.get("/S") not in ("/JavaScript", "/Launch", "/SubmitForm", "/Movie", "/Sound"), "an action")
            rule("/JS" not in value and "/OCProperties" not in value, "a script or layers")


def main() -> None:
    path, document, language = sys.argv[1:4]
    with pikepdf.open(path) as pdf:
        rule(len(pdf.pages) == 1, f"{len(pdf.pages)} pages")
        rule(str(pdf.Root.Lang) == language, f"language {pdf.Root.get('/Lang')}")
        title = metadata(pdf)
        attached(pdf, Path(document).read_bytes())
        found = structure(pdf)
        content(pdf, found.pop("content"))
        fonts(pdf)
        forbidden(pdf)
    page = pypdfium2.PdfDocument(path)[0]
    text = page.get_textpage().get_text_bounded()
    if broken:
        sys.exit("\n".join(sorted(set(broken))))
    print(json.dumps({"title": title, "text": text, **found}))


if __name__ == "__main__":
    main()
