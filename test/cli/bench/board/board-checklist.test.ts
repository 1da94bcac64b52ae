import assert from 'node:assert/strict';
import { judgeBoardReport } from '../../../../src/cli/bench/board/board-checklist';
import { ReportReader } from '../../../../src/cli/bench/board/report-reader';

const stages = Object.fromEntries(Array.from({ length: 24 }, (_, index) => [`s${index}`, 18 + (index % 4)]));

/** What a ROCK 5B would report if everything were as docs/board-checklist.md expects. */
function goodReport() {
  const soc = { id: 'soc', title: 'Chip', state: 'ok', value: 'Radxa ROCK 5B: rk3588, 3 NPU cores' };
  return {
    bundle: { stages: 24 },
    doctor: { found: { checks: [soc], can: { captionOnNpu: true } } },
    contexts: {
      found: {
        contexts: 24,
        npu_bytes: 260e6,
        first_stage: {
          input: { format: 3, type: 1, dims: [1, 1024, 768] },
          native_input: { bytesWithStride: 1_572_864 },
        },
        process: { before: { nice: [0] }, after: { nice: [0] } },
        core_masks: { 0: 'accepted', 1: 'accepted', 2: 'accepted', 4: 'accepted', 7: 'accepted' },
      },
    },
    validation: { found: { pass: true, end_to_end_cosine: 0.99951 } },
    passes: {
      found: {
        ways: {
          safe: { one_tile: { ms: 460, stages_ms: stages }, ratio: 2.6 },
          zero_copy: { one_tile: { ms: 400 } },
          shared_scratch: { one_tile: { ms: 465 } },
        },
        temperature: { after: { celsius: 61, throttlesAtCelsius: 85 } },
      },
    },
    captions: { found: { same: 12, of: 12 } },
    rkllm: { found: { absent: 'the bundle has no decoder for the NPU' } } as Record<string, unknown>,
  };
}

describe('a board’s report, read back', () => {
  type Report = ReturnType<typeof goodReport>;
  function judge(change: (report: Report) => void = () => undefined) {
    const report = goodReport();
    change(report);
    return judgeBoardReport(new ReportReader(JSON.parse(JSON.stringify(report))));
  }
  /** The rows whose state differs from a good report's. */
  function changed(change: (report: Report) => void) {
    const good = judge();
    return judge(change).filter(({ state }, index) => state !== good[index]?.state);
  }

  it('has every row as expected on a good board, and says nothing to do', () => {
    const rows = judge();
    assert.deepEqual(
      rows.map(({ state }) => state),
      [...Array(13).fill('ok'), ...Array(6).fill('info')],
    );
    assert.ok(rows.slice(0, 13).every(({ next }) => next === undefined));
  });

  const faults: readonly [string, (report: Report) => void, number, string, RegExp][] = [
    [
      'a red line of the doctor',
      (r) => {
        const bad = { id: 'npu-devices', title: 'NPU devices', state: 'bad', value: 'EACCES' };
        r.doctor.found.checks.push({ ...bad, advice: 'usermod' } as never);
      },
      1,
      'bad',
      /usermod/,
    ],
    [
      'contexts that did not fit',
      (r) => {
        r.contexts.found.contexts = 17;
      },
      2,
      'warn',
      /--granularity layer/,
    ],
    [
      'a raised priority',
      (r) => {
        r.contexts.found.process.after.nice = [-19];
      },
      3,
      'warn',
      /Send us/,
    ],
    [
      'another format',
      (r) => {
        r.contexts.found.first_stage.input.format = 1;
      },
      4,
      'warn',
      /Send us/,
    ],
    [
      'another size of the native input',
      (r) => {
        r.contexts.found.first_stage.native_input.bytesWithStride = 612;
      },
      5,
      'info',
      /switches itself off/,
    ],
    [
      'a core that is refused',
      (r) => {
        r.contexts.found.core_masks[4] = 'SmolvlmError: -5';
      },
      6,
      'bad',
      /SMOLVLM_NPU_CORES/,
    ],
    [
      'several cores refused for a model of an older compiler',
      (r) => {
        r.contexts.found.core_masks[7] = 'SmolvlmError: -5';
      },
      6,
      'info',
      /Nothing to do/,
    ],
    [
      'wrong values',
      (r) => {
        r.validation.found.pass = false;
      },
      7,
      'bad',
      /--precision fp16/,
    ],
    [
      'one stage on the CPU',
      (r) => {
        r.passes.found.ways.safe.one_tile.stages_ms.s3 = 900;
      },
      8,
      'warn',
      /governors/,
    ],
    [
      'cores that wait',
      (r) => {
        r.passes.found.ways.safe.ratio = 1.1;
      },
      9,
      'warn',
      /memory/,
    ],
    [
      'refused zero-copy',
      (r) => void Object.assign(r.passes.found.ways.zero_copy, { refused: ['stride'] }),
      10,
      'info',
      /safe path/,
    ],
    [
      'slow shared memory',
      (r) => {
        r.passes.found.ways.shared_scratch.one_tile.ms = 900;
      },
      11,
      'info',
      /off/,
    ],
    [
      'heat',
      (r) => {
        r.passes.found.temperature.after.celsius = 86;
      },
      12,
      'warn',
      /heat sink/,
    ],
    [
      'other words',
      (r) => {
        r.captions.found.same = 4;
      },
      13,
      'bad',
      /row 7/,
    ],
  ];
  for (const [title, change, row, state, next] of faults) {
    it(`names ${title} in row ${row}, and what to do`, () => {
      const rows = changed(change);
      assert.deepEqual(
        rows.map((each) => [each.row, each.state]),
        [[row, state]],
      );
      assert.match(rows[0]?.next ?? '', next);
    });
  }

  it('judges the decoder on the NPU by the CPU’s words', () => {
    const cpu = { text: 'A red car is in the driveway.', rss_bytes: 9e8, first_token_ms: 300 };
    const rows = judge((report) => {
      report.rkllm.found = {
        library: { version: '1.2.3', abi: '1.2' },
        cpu,
        embed: cpu,
        multimodal: { ...cpu, text: '####' },
        embed_flash: { ...cpu, rss_bytes: 8.4e8 },
      };
    });
    assert.deepEqual(
      rows.slice(13).map(({ state }) => state),
      ['ok', 'warn', 'warn', 'ok', 'ok', 'info'],
    );
  });

  it('names a part that failed in each of its rows, and one that is missing as not measured', () => {
    const failed = judge((report) => {
      Object.assign(report, { validation: { error: { message: 'npu-lost', hint: 'cool the board' } } });
      Object.assign(report, { captions: {} });
    });
    assert.deepEqual([failed[6]?.state, failed[6]?.next], ['bad', 'cool the board']);
    assert.equal(failed[12]?.found, 'not measured');
  });

  it('expects two cores of a chip that has two', () => {
    const rows = judge((report) => {
      report.doctor.found.checks[0]!.value = 'Radxa E52C: rk3582, 2 NPU cores';
      report.contexts.found.core_masks[4] = 'refused';
      report.contexts.found.core_masks[7] = 'refused';
      report.passes.found.ways.safe.ratio = 1.8;
    });
    assert.deepEqual([rows[5]?.state, rows[8]?.state], ['ok', 'ok']);
  });
});
