// SPDX-FileCopyrightText: The Ferry authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Each callable of the older systems' classes is called from JavaScript: check-javascript-classic.js GIR TABLE
//
// TABLE is as that of check-javascript.js.

import Ferry from 'gi://Ferry?version=1';
import FerryClassic from 'gi://FerryClassic?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';

import {checkTable, listCallables, readTable, watch} from './callables.js';
import {equal, fact, main, none} from './tap.js';

const [girPath, tablePath] = ARGV;
const worker = GLib.getenv('FERRY_TEST_SERVING_WORKER');

// Waits for what begins asynchronously. Returns what finish (result) returns, or throws.
function complete(start, finish) {
    const loop = GLib.MainLoop.new(null, false);
    let result = null;
    start((source, outcome) => {
        result = outcome;
        loop.quit();
    });
    loop.run();
    return finish(result);
}

// The error that a function throws.
function raised(run) {
    try {
        run();
    } catch (error) {
        return error;
    }
    return null;
}

function testErrors() {
    const errors = FerryClassic.ErrorList.new();
    const error = new GLib.Error(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_FOUND, 'not there');
    errors.add_filter(Gio.io_error_quark(), -1);
    fact('a list takes an error', errors.add('work', error));
    equal('and has it', errors.get_first(null).phase, 'work');
    const other = FerryClassic.ErrorList.new();
    fact('it crosses as a value', other.add_variant(errors.to_variant()) && other.get_n_items() === 1);
    fact('it is thrown', raised(() => other.raise_any(null)).matches(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_FOUND));
    errors.clear(null);
    equal('a list is cleared', errors.get_n_items(), 0);
}

function testProcesses() {
    const router = Ferry.Router.get_default();
    router.start();
    let process = FerryClassic.Process.new(router, Ferry.Launcher.new([worker]), 'yield', GLib.Variant.new_uint64(2));
    const values = [process.next(-1).unpack()];
    values.push(complete(done => process.next_async(null, done), result => process.next_finish(result)).unpack());
    equal('a process yields values', values, [0, 1]);
    fact('and ends', process.next(-1) === null && process.join(-1));
    equal('with a result', process.get_result().unpack(), 1);
    process = FerryClassic.Process.new(router, Ferry.Launcher.new([worker]), 'add', new GLib.Variant('(xx)', [40, 2]));
    fact('its end may be waited for', complete(done => process.join_async(null, done),
        result => process.join_finish(result)));
}

function step(proxy, build) {
    const view = FerryClassic.View.new(proxy);
    build(view);
    return complete(done => view.resolve_async(-1, null, done), result => view.resolve_finish(result))[1];
}

const Counter = GObject.registerClass({
    Properties: {value: GObject.ParamSpec.int('value', '', '', GObject.ParamFlags.READWRITE, 0, 100, 0)},
}, class Counter extends GObject.Object {});

function makeCounter() {
    const exporter = Ferry.Exporter.new();
    const made = Ferry.Interface.new('org.example.Counter', Counter.$gtype);
    exporter.set_context(GLib.MainContext.default());
    made.add_all();
    made.add_method('add', 'i', 'i', (object, call) => {
        object.value += call.get_arguments().get_child_value(0).get_int32();
        call.return_value(GLib.Variant.new_int32(object.value));
    });
    exporter.add_function('twice', (object, call) => call.return_value(GLib.Variant.new_int32(2 * object.value)));
    exporter.export('counter', new Counter(), made, Ferry.CallPolicy.SERIAL);
    exporter.start();
    return exporter;
}

function testViews() {
    const exporter = makeCounter();
    const counter = Ferry.Proxy.new_local(exporter, 'counter');
    const key = GLib.Variant.new_string('key');
    equal('a view calls', step(counter, view => view.call('add', new GLib.Variant('(i)', [3]))).unpack(), 3);
    equal('it sets and reads', step(counter, view => view.set('value', GLib.Variant.new_int32(7))).unpack(), 7);
    equal('it passes to a function', step(counter, view => view.pass_to('twice', null)).unpack(), 14);
    const view = FerryClassic.View.new(counter);
    view.get('value');
    view.set_default(null);
    view.set_as_proxy(false);
    view.freeze();
    equal('it is written out', view.copy().to_string(), 'counter.value');
    equal('it is resolved', view.resolve(-1, null)[1].unpack(), 7);
    let heard = null;
    view.resolve_with_func(result => (heard = result.unpack()));
    equal('a function hears it', heard, 7);
    equal('a property is reset', step(counter, other => other.delete('value')).unpack(), 0);
    for (const build of [other => other.contains(key), other => other.get_item(key), other => other.set_item(key, key),
        other => other.delete_item(key), other => other.length(), other => other.super(null)])
        fact('what the object has not is an error', raised(() => step(counter, build)) !== null);
    exporter.stop(Ferry.StopMode.DRAIN);
}

main(() => {
    const {classes, names} = listCallables(girPath);
    none('each class is there', classes.filter(name => !(name in FerryClassic)));
    watch(FerryClassic, names);
    testErrors();
    testProcesses();
    testViews();
    checkTable(names, readTable(tablePath));
});
