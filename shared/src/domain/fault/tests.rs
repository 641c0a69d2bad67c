use super::*;

#[test]
fn the_contracts_texts_are_word_for_word_in_both_languages() {
    let values = ["A", "B", "C", "D", "F"].map(str::to_owned).to_vec();
    for lang in [Lang::Es, Lang::En] {
        assert_eq!(
            Fault::NotAllowed(Unlisted::of(FieldName::ResultValue, "a", &values)).text(lang),
            "Calificacion invalida. Valores permitidos: A, B, C, D, F"
        );
        assert_eq!(
            Fault::InvalidEmail("invalido@test".into()).text(lang),
            "Invalid email: invalido@test"
        );
        assert_eq!(Fault::Cancelled.text(lang), "Cancelado");
    }
}
