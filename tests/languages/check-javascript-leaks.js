// SPDX-FileCopyrightText: The Ferry authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Tasks, items of maps, calls and messages leave nothing behind in JavaScript: check-javascript-leaks.js WORKER [N]
//
// Each is done N times, 10,000 unless told otherwise, and some times before, so that what is kept for later is there.
// Then it is done some times more. There must be at most 100 bytes more memory for each in the median: an object has more
// than that. The bindings keep some memory of each GVariant and of each callback, whatever the library. So those of GIO
// are measured as well, and those of Ferry may leave as much and no more. Memory that is shared with workers is not
// counted.

import Ferry from 'gi://Ferry?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import System from 'system';

import {fact, main} from './tap.js';

const [worker, number] = ARGV;
const BATCH = 100;
const BYTES_EACH = 100;
const ROUNDS = 5;

function resident() {
    const [, bytes] = GLib.file_get_contents('/proc/self/status');
    const [, kilobytes] = new TextDecoder().decode(bytes).match(/RssAnon:\s+(\d+)/);
    return Number(kilobytes) * 1024;
}

// A collection may find more after what the main loop does.
function collect() {
    for (let i = 0; i < 10; i++) {
        System.gc();
        while (GLib.MainContext.default().iteration(false))
            ;
    }
}

// Begins n things, a batch at a time, each of which says whether it came as it should.
function inBatches(n, begin) {
    const loop = GLib.MainLoop.new(null, false);
    let allWell = true;
    for (let start = 0; start < n; start += BATCH) {
        let nCame = 0;
        const came = isWell => {
            allWell &&= isWell;
            // All may have come before the loop runs.
            if (++nCame === BATCH) {
                GLib.idle_add(GLib.PRIORITY_DEFAULT, () => {
                    loop.quit();
                    return GLib.SOURCE_REMOVE;
                });
            }
        };
        for (let i = 0; i < BATCH; i++)
            begin(came);
        loop.run();
    }
    if (!allWell)
        throw new Error('something else came than was asked for');
}

const executor = Ferry.Executor.new_for_program(worker);

function tasks(n) {
    inBatches(n, came => {
        const task = executor.submit('double', GLib.Variant.new_int64(21));
        task.connect('done', () => came(task.get_result().unpack() === 42));
    });
    executor.clear_finished();
}

function items(n) {
    const map = Ferry.Map.new(executor, 'double', Ferry.MapOrder.ORDERED);
    map.set_arguments(new GLib.Variant('ax', [...Array(n).keys()]));
    const results = map.collect(-1);
    if (results.get_n_items() !== n || results.get_item(n - 1).get_value().unpack() !== 2 * (n - 1))
        throw new Error('items are missing');
    executor.clear_finished();
}

function calls(n) {
    inBatches(n, came => executor.call_async('double', GLib.Variant.new_int64(21), null,
        (source, result) => came(source.call_finish(result).unpack() === 42)));
    executor.clear_finished();
}

const [here, there] = Ferry.Transport.new_pair();
const demux = Ferry.Demux.new(there);
const mux = Ferry.Mux.new(here);

function requests(n) {
    inBatches(n, came => mux.transact_async('echo', GLib.Variant.new_int32(5), -1, null,
        (source, result) => came(source.transact_finish(result).unpack() === 5)));
}

const [, sender, receiver] = Ferry.Router.get_default().pipe(Ferry.PipeFlags.QUEUED);
let received = null;

function messages(n) {
    inBatches(n, came => {
        received = came;
        sender.send(GLib.Variant.new_string('word'));
    });
}

// A handler of a signal gets the value that an action is activated with.
function valuesOfGio(n) {
    const action = new Gio.SimpleAction({name: 'word', parameterType: new GLib.VariantType('x')});
    let activated = null;
    action.connect('activate', (_, value) => activated(value.unpack() === 21));
    inBatches(n, came => {
        activated = came;
        action.activate(GLib.Variant.new_int64(21));
    });
}

function callbacksOfGio(n) {
    inBatches(n, came => {
        const task = Gio.Task.new(null, null, (source, result) => came(result.propagate_boolean()));
        task.return_boolean(true);
    });
}

// How many bytes there are more after n: the median of some rounds, as the collector returns memory when it likes.
function measure(name, run, n) {
    for (let i = 0; i < 2; i++)
        run(n);
    collect();
    const grown = [];
    let before = resident();
    for (let i = 0; i < ROUNDS; i++) {
        run(n);
        collect();
        const after = resident();
        grown.push(after - before);
        before = after;
    }
    print(`# ${name}: ${grown} bytes more after ${n} each`);
    return grown.sort((one, other) => one - other)[(ROUNDS - 1) / 2];
}

function check(name, run, n, ofBindings) {
    const grown = measure(name, run, n);
    fact(`${name} leave no memory`, grown <= BYTES_EACH * n + ofBindings, `${grown} bytes are left`);
}

main(() => {
    const n = Number(number ?? 10000);
    demux.set_context(GLib.MainContext.default());
    demux.add_handler('echo', invocation => invocation.return_value(invocation.get_arguments()));
    demux.start();
    receiver.connect('message', (_, message) => received(message.unpack() === 'word'));
    sender.start();
    const ofBindings = measure('values of GIO', valuesOfGio, n) + measure('callbacks of GIO', callbacksOfGio, n);
    Object.entries({tasks, items, messages, calls, requests}).forEach(([name, run]) => check(name, run, n, ofBindings));
    demux.stop();
    executor.stop();
});
