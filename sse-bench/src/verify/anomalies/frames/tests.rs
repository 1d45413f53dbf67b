use super::*;

/// A slot that receives numbered blocks of 100 bytes.
struct Receiving {
    frames: SlotFrames,
    delivery: u64,
    ordinal: u32,
}

impl Receiving {
    fn new(most: usize) -> Self {
        Self {
            frames: SlotFrames::new(most),
            delivery: 0,
            ordinal: 0,
        }
    }

    fn open(&mut self, cursor: &str) {
        self.frames.opened(cursor);
        self.ordinal = 0;
    }

    fn receive(&mut self, count: u32, is_unusual: bool) {
        for _ in 0..count {
            self.delivery += 1;
            let reception = Reception {
                delivery: self.delivery,
                ordinal: Some(self.ordinal),
                is_unusual,
                skew: None,
            };
            let bytes = format!("{:>100}", self.delivery);
            self.frames
                .block(self.delivery, bytes.as_bytes(), None, &reception);
            self.ordinal += 1;
        }
    }

    fn kept(&self) -> Vec<u64> {
        let kept = self.frames.kept();
        kept.frames.iter().map(|frame| frame.delivery).collect()
    }
}

fn shown(found: Vec<(Role, &Frame)>) -> Vec<(Role, u64)> {
    let shown = found.into_iter();
    shown.map(|(role, frame)| (role, frame.delivery)).collect()
}

#[test]
fn what_is_unusual_stays_with_its_neighbours() {
    let mut slot = Receiving::new(2000);
    slot.open("");
    slot.receive(50, false);
    slot.receive(1, true);
    slot.receive(1000, false);
    let kept = slot.kept();
    assert_eq!(kept[..3], [50, 51, 52]);
    assert_eq!(kept.len(), 3 + 10, "{kept:?}");
    let kept = slot.frames.kept();
    let around = shown(kept.around(Around::Delivery(51), 1, 1));
    assert_eq!(
        around,
        [(Role::Before, 50), (Role::Event, 51), (Role::After, 52)]
    );
    assert!(kept.around(Around::Delivery(49), 1, 1).is_empty());
    let spot = |ordinal| Some(Spot { leg: 1, ordinal });
    let repeat = Around::Receptions {
        before: spot(49),
        first: spot(50),
        after: spot(51),
    };
    assert_eq!(shown(kept.around(repeat, 1, 1)), around);
}

#[test]
fn both_sides_of_a_reconnect_stay() {
    let mut slot = Receiving::new(2000);
    slot.open("");
    slot.receive(50, false);
    slot.open("50");
    slot.receive(1000, false);
    assert_eq!(slot.kept()[..6], [48, 49, 50, 51, 52, 53]);
    let kept = slot.frames.kept();
    assert_eq!(
        (kept.cursor(1), kept.cursor(2), kept.cursor(3)),
        (Some(""), Some("50"), None)
    );
    let opening = shown(kept.around(Around::Opening, 2, 1));
    assert_eq!(opening, [(Role::Before, 50), (Role::After, 51)]);
    let silence = shown(kept.around(Around::Time(52), 2, 1));
    assert_eq!(silence, [(Role::Before, 52), (Role::After, 53)]);
    // Between the last that stayed and the first of the latest there were others.
    assert!(kept.around(Around::Time(53), 2, 1).is_empty());
}

#[test]
fn each_room_has_its_bound() {
    let mut slot = Receiving::new(2000);
    for leg in 0..100 {
        slot.open(&leg.to_string());
        slot.receive(20, leg % 2 == 0);
    }
    let frames = &slot.frames;
    for room in [&frames.latest, &frames.boundary, &frames.unusual] {
        assert!(room.size <= 2000 && !room.frames.is_empty());
        let sum: usize = room.frames.iter().map(Frame::size).sum();
        assert_eq!(room.size, sum);
    }
    assert!(frames.cursors_size <= 2000);
    assert_eq!(frames.unusual.frames[0].delivery, 1, "the first stay");
    assert!(frames.boundary.frames[0].delivery > 1000, "the latest stay");
}

#[test]
fn a_long_block_is_cut_off_and_says_so() {
    let mut frames = SlotFrames::new(800);
    frames.opened("");
    frames.begins(&[b'a'; 90]);
    frames.begins(&[b'b'; 500]);
    frames.block(1, b"c\n\n", None, &Reception::default());
    frames.begins(b"lost with its leg");
    frames.opened("");
    frames.block(2, b"data\n\n", None, &Reception::default());
    let kept = frames.kept();
    assert_eq!(
        &*kept.frames[0].bytes,
        [[b'a'; 90].as_slice(), &[b'b'; 10]].concat()
    );
    assert_eq!(kept.frames[0].length, 593);
    assert_eq!(&*kept.frames[1].bytes, b"data\n\n");
}
