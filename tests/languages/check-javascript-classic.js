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
import {equal, fact, main, makeFolder, none} from './tap.js';
import {complete, isError, raised, until} from './waits.js';

const [girPath, tablePath] = ARGV;
const worker = GLib.getenv('FERRY_TEST_SERVING_WORKER');
const folder = makeFolder();
const SECOND = GLib.USEC_PER_SEC;

function step(proxy, build) {
    const view = FerryClassic.View.new(proxy);
    build(view);
    return complete(done => view.resolve_async(-1, null, done), result => view.resolve_finish(result))[1];
}

const Named = GObject.registerClass({
    Properties: {name: GObject.ParamSpec.string('name', '', '', GObject.ParamFlags.READWRITE, '')},
}, class Named extends GObject.Object {});

function exportRows(exporter) {
    const made = Ferry.Interface.new('org.example.Rows', Gio.ListStore.$gtype);
    made.set_list(row => GLib.Variant.new_string(row.name));
    made.accept_items(value => new Named({name: value.unpack()}));
    const rows = Gio.ListStore.new(Named.$gtype);
    rows.append(new Named({name: 'one'}));
    exporter.export('rows', rows, made, Ferry.CallPolicy.SERIAL);
    return rows;
}

function testItems() {
    const [here, there] = Ferry.Transport.new_pair();
    const exporter = Ferry.Exporter.new();
    exporter.set_context(GLib.MainContext.default());
    const rows = exportRows(exporter);
    exporter.add_transport(here);
    exporter.start();
    const proxy = Ferry.Proxy.new(there, 'rows');
    const [first, two] = [GLib.Variant.new_int32(0), GLib.Variant.new_string('two')];
    equal('an item is read', step(proxy, view => view.get_item(first)).recursiveUnpack(), 'one');
    step(proxy, view => view.set_item(first, two));
    equal('an item is set', rows.get_item(0).name, 'two');
    equal('items are counted', step(proxy, view => view.length()).unpack(), 1);
    fact('an item is looked for', step(proxy, view => view.contains(two)).unpack());
    step(proxy, view => view.delete_item(first));
    equal('an item is removed', rows.get_n_items(), 0);
    exporter.stop(Ferry.StopMode.DRAIN);
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
    equal('a property is reset', step(counter, other => other.delete('value')).unpack(), 0);
    for (const build of [other => other.contains(key), other => other.get_item(key), other => other.set_item(key, key),
        other => other.delete_item(key), other => other.length(), other => other.super(null)])
        fact('what the object has not is an error', raised(() => step(counter, build)) !== null);
    exporter.stop(Ferry.StopMode.DRAIN);
}

function testExchange(router) {
    const exchange = FerryClassic.Exchange.new(router, Ferry.Launcher.new([worker]));
    const heard = [];
    exchange.flowing = true;
    exchange.connect('data', (_, channel, value, failure) => heard.push(value ? value.unpack() : failure));
    const [here, there] = Ferry.Transport.new_pair();
    const [one, other] = [Ferry.Channel.new(here), Ferry.Channel.new(there)];
    fact('an exchange takes a channel', exchange.add(one) && exchange.get_active().get_n_items() === 1);
    other.send(GLib.Variant.new_string('word'), -1, null);
    until(() => heard.length > 0);
    equal('and hears it', heard, ['word']);
    fact('it gives a channel back', exchange.remove(one));
    fact('it waits for its turn', exchange.add_wait(one, -1));
    exchange.remove(one);
    complete(done => exchange.add_wait_async(one, null, done), result => exchange.add_wait_finish(result));
    exchange.remove(one);
    fact('it starts processes', exchange.start('echo', null));
    exchange.autoclose = true;
    until(() => exchange.n_active === 1);
    exchange.get_active().get_item(0).close();
    fact('it is finished', complete(done => exchange.finish_async(null, done), result => exchange.finish_finish(result)));
    testReady();
}

function testReady() {
    const exchange = FerryClassic.Exchange.new(null, null);
    const [here, there] = Ferry.Transport.new_pair();
    const [one, other] = [Ferry.Channel.new(here), Ferry.Channel.new(there)];
    exchange.add(one);
    other.send(GLib.Variant.new_string('word'), -1, null);
    equal('an exchange says what is ready', exchange.ready(-1).map(channel => channel === one), [true]);
    one.receive(-1, null);
    other.send(GLib.Variant.new_string('word'), -1, null);
    equal('asynchronously too', complete(done => exchange.ready_async(null, done),
        result => exchange.ready_finish(result)).length, 1);
    one.receive(-1, null);
    exchange.remove(one);
    const address = GLib.build_filenamev([folder, 'exchange']);
    const listener = Ferry.Listener.new(address);
    listener.start();
    const channel = complete(done => exchange.connect_async(address, -1, null, done),
        result => exchange.connect_finish(result));
    channel.close();
    exchange.remove(channel);
    fact('it is finished', exchange.finish(-1));
}

function testBackground() {
    const background = FerryClassic.Background.new('result', 10);
    background.put(GLib.Variant.new_string('one'), -1, null);
    const [here, there] = Ferry.Transport.new_pair();
    background.attach_channel(Ferry.Channel.new(here));
    const channel = Ferry.Channel.new(there);
    equal('results wait for who comes', channel.receive(-1, null)[1].unpack(), 'one');
    background.detach();
    const [one, other] = Ferry.Transport.new_pair();
    background.attach(one);
    background.finish();
    other.close();
    channel.close();
    const error = raised(() => background.wait_taken(SECOND, null));
    fact('and are waited for', error === null || isError(error, Ferry.Error.TIMED_OUT));
}

function testWaits(router) {
    fact('all processes are waited for', FerryClassic.wait_all(router, -1));
    fact('asynchronously too', complete(done => FerryClassic.wait_all_async(router, null, done),
        result => FerryClassic.wait_all_finish(router, result)));
}

main(() => {
    const {classes, names} = listCallables(girPath);
    none('each class is there', classes.filter(name => !(name in FerryClassic)));
    watch(FerryClassic, names);
    testItems();
    testErrors();
    testProcesses();
    testViews();
    const router = Ferry.Router.get_default();
    testExchange(router);
    testBackground();
    testWaits(router);
    checkTable(names, readTable(tablePath));
});
