// SPDX-FileCopyrightText: The Ferry authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// A worker in JavaScript: worker.js WHAT. It serves functions; or, as it is told, it sends messages, exports
// objects, answers over its standard input and output, or listens at an address.

import Ferry from 'gi://Ferry?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import System from 'system';

import {listCallables, watch} from './callables.js';

const Counter = GObject.registerClass({
    Properties: {
        value: GObject.ParamSpec.int('value', '', '', GObject.ParamFlags.READWRITE, 0, 1000, 0),
    },
    Signals: {rang: {param_types: [GObject.TYPE_STRING]}},
}, class Counter extends GObject.Object {});

function steps(job) {
    job.set_n_steps(2);
    job.step('first');
    job.step('second');
    return null;
}

function everything(job, args) {
    const bytes = job.dup_bytes(0);
    job.check();
    job.commit();
    job.begin_part(0.5);
    job.report(0.5, 'half of a half');
    job.end_part();
    job.report_amount(3, 4, 'pieces', 'three');
    job.send('word', GLib.Variant.new_string('sent'));
    const answer = `${args.deepUnpack()} ${job.is_cancelled() || job.is_repeated()} ${job.get_cancellable() !== null} ${bytes.get_size()}`;
    return GLib.Variant.new_string(answer);
}

function givenSender(job) {
    const sender = job.get_sender(0);
    sender.start();
    for (let i = 0; i < 3; i++)
        sender.send(GLib.Variant.new_uint32(i));
    const buffer = job.create_buffer(100000);
    buffer.shrink(50000);
    job.return_buffer(buffer);
    return null;
}

// A file and one end of a channel come home with a message.
function giveHome(job) {
    const [fd, name] = GLib.file_open_tmp(null);
    GLib.unlink(name);
    Gio.UnixOutputStream.new(fd, false).write('text', null);
    const file = job.return_descriptor(fd);
    job.send_partial_result(job.return_file(fd, new GLib.VariantType('s')));
    const [transport, handle] = job.return_transport();
    const channel = Ferry.Channel.new(transport);
    job.send('home', new GLib.Variant('(hh)', [file, handle]));
    channel.send_acknowledged(channel.receive(-1, null)[1], -1, null);
    GLib.close(fd);
    return null;
}

// Two programs, a folder for what they write, and a question to the application.
function runPrograms(job) {
    const path = `${job.get_scratch_folder()}/copy`;
    const [, result] = job.run_command(Ferry.Command.new(['echo', 'from a program']));
    job.run_task(Ferry.Task.new_for_command(Ferry.Command.new(['touch', path])));
    job.ask('Which?');
    const stream = new Gio.UnixInputStream({fd: job.dup_answers(), close_fd: true});
    const answer = new TextDecoder().decode(stream.read_bytes(100, null).toArray());
    stream.close(null);
    const text = new TextDecoder().decode(result.get_child_value(1).get_data_as_bytes().toArray());
    return new GLib.Variant('(ssb)', [text, answer, GLib.file_test(path, GLib.FileTest.EXISTS)]);
}

function numbers(job, args) {
    for (let i = 0; i < args.unpack(); i++)
        job.yield(GLib.Variant.new_uint32(i));
    return args;
}

function descriptor(job) {
    const fd = job.dup_descriptor(0);
    const [, text] = GLib.file_get_contents(`/proc/self/fd/${fd}`);
    return GLib.Variant.new_string(new TextDecoder().decode(text));
}

function takeBack(job) {
    job.report(0.5, 'first part');
    job.report(-Infinity, 'second part');
    job.report(0.75, 'third part');
    untilCancelled(job);
}

function untilCancelled(job) {
    while (!job.is_cancelled())
        GLib.usleep(1000);
    job.check();
    return null;
}

function serve() {
    Ferry.Worker.set_program_version('1.0');
    Ferry.Worker.add_initialiser('words', () => true);
    // Never called: a program in JavaScript has threads, so each of its workers is executed.
    Ferry.Worker.add_fork_handler(() => {});
    Ferry.function_register('double', 'x', 'x', (job, n) => GLib.Variant.new_int64(2 * n.unpack()));
    Ferry.function_register('steps', null, '', steps);
    Ferry.function_register('everything', 's', 's', everything);
    Ferry.function_register('given-sender', null, 'ay', givenSender);
    Ferry.function_register('give-home', null, '', giveHome);
    Ferry.function_register('run-programs', null, '(ssb)', runPrograms);
    Ferry.function_register('numbers', 'u', 'u', numbers);
    Ferry.function_register('descriptor', null, 's', descriptor);
    Ferry.function_register('until-cancelled', null, '', untilCancelled);
    Ferry.function_register('take-back', null, '', takeBack);
    Ferry.function_register('fail', null, null, job => {
        const error = new GLib.Error(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_FOUND, 'not there');
        job.fail(error, 'worker.js: fail');
        throw error;
    });
    Ferry.Channel.function_register('talk', 's', (channel, args) => {
        channel.send(args, -1, null);
        return true;
    });
    Ferry.Worker.main(null);
}

// A sender that the application gives to this process while it runs.
function getLateSender() {
    for (;;) {
        try {
            return Ferry.Worker.get_sender('late');
        } catch (error) {
            GLib.usleep(1000);
        }
    }
}

function pipe() {
    const sender = Ferry.Worker.get_sender('out');
    sender.start();
    sender.send(GLib.Variant.new_string('hello'));
    sender.stop();
    const late = getLateSender();
    late.start();
    late.send(GLib.Variant.new_string('late'));
    late.stop();
    Ferry.Worker.exit(3);
}

export function makeInterface() {
    const made = Ferry.Interface.new('org.example.Counter', Counter.$gtype);
    made.add_property('value', Gio.DBusPropertyInfoFlags.READABLE | Gio.DBusPropertyInfoFlags.WRITABLE);
    made.add_signal('rang');
    made.add_method('add', 'i', 'i', (counter, call) => {
        counter.value += call.get_arguments().deepUnpack()[0];
        call.return_value(GLib.Variant.new_int32(counter.value));
    });
    made.add_method('get_self', null, 'o', (counter, call) => call.return_object(counter));
    made.add_method('throw', null, null, () => {
        throw new Error('cannot do it');
    });
    made.add_method('fail', null, null, (counter, call) => {
        call.return_error(new GLib.Error(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_FOUND, 'not there'));
    });
    return made;
}

function exportCounter(transport) {
    const exporter = Ferry.Exporter.new();
    exporter.manual = true;
    const counter = new Counter();
    exporter.export('counter', counter, makeInterface(), Ferry.CallPolicy.SERIAL);
    exporter.add_transport(transport);
    return exporter;
}

// The methods of an exporter that answers manually run on the thread that polls.
function exportManually(transport) {
    const exporter = exportCounter(transport);
    exporter.start();
    for (;;) {
        try {
            exporter.poll(10000, null);
        } catch (error) {
            if (transport.closed)
                break;
        }
        exporter.process_requests();
    }
    exporter.stop(Ferry.StopMode.REFUSE);
}

// A timer finds no request most of the time, and goes on.
function exportByTimer(transport) {
    const exporter = exportCounter(transport);
    const loop = GLib.MainLoop.new(null, false);
    exporter.start();
    GLib.timeout_add(GLib.PRIORITY_DEFAULT, 5, () => {
        exporter.process_requests();
        if (transport.closed)
            loop.quit();
        return !transport.closed;
    });
    loop.run();
    exporter.stop(Ferry.StopMode.REFUSE);
}

function answer(transport) {
    const demux = Ferry.Demux.new(transport);
    const loop = GLib.MainLoop.new(null, false);
    demux.set_context(GLib.MainContext.default());
    demux.add_handler('echo', call => call.return_value(call.get_arguments()));
    demux.add_handler('bytes', call => call.return_bytes(call.get_bytes()));
    demux.add_handler('stop', call => {
        call.return_value(null);
        loop.quit();
    });
    demux.start();
    loop.run();
    demux.stop();
}

function listen() {
    const listener = Ferry.Listener.new_from_environment();
    answer(listener.accept(-1, null));
    listener.close();
}

const {names} = listCallables(GLib.getenv('FERRY_TEST_GIR'));
watch(Ferry, names);
const [what] = ARGV;
if (what === 'serve')
    serve();
else if (what === 'pipe')
    pipe();
else if (what === 'objects')
    exportManually(Ferry.Worker.get_transport('objects'));
else if (what === 'calls')
    answer(Ferry.Worker.get_transport('calls'));
else if (what === 'stream-objects')
    exportByTimer(Ferry.Transport.new_for_descriptors(0, 1));
else if (what === 'stream-calls')
    answer(Ferry.Transport.new_for_descriptors(0, 1));
else
    listen();
System.exit(0);
