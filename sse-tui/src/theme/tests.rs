use ratatui::style::{Color, Modifier, Style};

use super::{Theme, ThemeName};

type Rgb = [u8; 3];

/// Of indexed colours; the first sixteen are the terminal's own, which no theme
/// can rely on.
fn rgb(colour: Color) -> Rgb {
    match colour {
        Color::Indexed(index @ 232..) => [8 + 10 * (index - 232); 3],
        Color::Indexed(index @ 16..) => {
            let level = |part: u8| if part == 0 { 0 } else { 55 + 40 * part };
            let index = index - 16;
            [level(index / 36), level(index / 6 % 6), level(index % 6)]
        }
        other => panic!("{other:?} differs between terminals"),
    }
}

/// WCAG 2.2, relative luminance.
fn luminance(colour: Rgb) -> f64 {
    let [red, green, blue] = colour.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/// WCAG 2.2, contrast ratio.
fn contrast(one: Rgb, other: Rgb) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// The styles for text, those for text with a background of its own, and those
/// for the rest. A new one has to be put among them to compile.
fn roles(theme: Theme) -> (Vec<Style>, Vec<Style>, Vec<Style>) {
    let Theme {
        ascii: _,
        text,
        dim,
        faint,
        strong,
        accent,
        brand,
        good,
        warn,
        bad,
        live,
        paused,
        selected: _,
        hit,
        mark,
        lanes,
        json,
    } = theme;
    let mut texts = vec![text, dim, strong, accent, good, warn, bad, mark];
    texts.extend(lanes);
    texts.extend(json);
    (texts, vec![brand, live, paused, hit], vec![faint])
}

#[test]
fn what_is_drawn_can_be_seen_and_what_is_written_can_be_read() {
    // What terminals stand on by default, and the paper of pictures.
    let dark: [Rgb; 5] = [
        [0; 3],
        [0x1E; 3],
        [0x14, 0x16, 0x1B],
        [0x28, 0x2A, 0x36],
        [0, 0x2B, 0x36],
    ];
    let light: [Rgb; 3] = [[0xFF; 3], [0xFA; 3], [0xFD, 0xF6, 0xE3]];
    for (name, papers) in [(ThemeName::Dark, &dark[..]), (ThemeName::Light, &light[..])] {
        let theme = Theme::new(name);
        let selected = rgb(theme.selected.bg.unwrap());
        let (texts, labels, decoration) = roles(theme);
        let front = |style: &Style| {
            assert!(
                !style.add_modifier.contains(Modifier::DIM),
                "{style:?} is as dim as the terminal likes"
            );
            rgb(style.fg.unwrap())
        };
        for paper in papers.iter().copied().chain([selected]) {
            for (styles, least) in [(&texts, 4.5), (&decoration, 3.0)] {
                for style in styles {
                    let contrast = contrast(front(style), paper);
                    assert!(
                        contrast >= least,
                        "{name:?}: {style:?} on {paper:?} has {contrast:.2}"
                    );
                }
            }
        }
        for style in labels {
            let contrast = contrast(front(&style), rgb(style.bg.unwrap()));
            assert!(contrast >= 4.5, "{name:?}: {style:?} has {contrast:.2}");
        }
    }
}

#[test]
fn contrast_is_that_of_the_standard() {
    assert!((contrast([0; 3], [0xFF; 3]) - 21.0).abs() < 1e-9);
    // #767676 on white is the well-known least grey for text.
    assert!((contrast([0x76; 3], [0xFF; 3]) - 4.54).abs() < 0.01);
}
