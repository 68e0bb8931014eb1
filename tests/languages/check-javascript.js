// SPDX-FileCopyrightText: The Ferry authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Each callable of the introspection data is called from JavaScript: check-javascript.js GIR TABLE WORKER
//
// The table says of each callable how it works. A callable that is not in the table, and a line without a callable, is a
// fault. What 'works' is called, here or in worker.js, with real objects; a call that did not happen is a fault.

import Ferry from 'gi://Ferry?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import System from 'system';

import {checkTable, listCallables, noteWhatWorkersCalled, readTable, watch} from './callables.js';
import {equal, fact, main, makeFolder, none} from './tap.js';
import {complete, isError, raised, until} from './waits.js';

// A persistent worker has another folder.
const [girPath, tablePath, workerPath] = ARGV.map(path => GLib.canonicalize_filename(path, null));
const folder = makeFolder();
const calledPath = GLib.build_filenamev([folder, 'called']);
const gjs = GLib.find_program_in_path('gjs');
const SECOND = GLib.USEC_PER_SEC;

function run(test, router) {
    const error = raised(() => test(router));
    fact(`${test.name}() throws nothing`, error === null, error?.message, error?.stack);
}

function command(...what) {
    return [gjs, '-m', workerPath, ...what];
}

function testRouter() {
    const router = Ferry.Router.new(null);
    fact('a router starts', router.start() && router.get_running());
    fact('a second start is an error', isError(raised(() => router.start()), Ferry.Error.ALREADY_RUNNING));
    const [, sender, receiver] = router.pipe(Ferry.PipeFlags.QUEUED);
    const heard = [];
    receiver.connect('message', (_, message) => heard.push(message.recursiveUnpack()));
    receiver.connect('buffer', (_, metadata, bytes) => heard.push(bytes.get_size()));
    const owner = new GObject.Object();
    receiver.bind(owner);
    sender.start();
    sender.send(new GLib.Variant('(si)', ['first', 1]));
    sender.send(GLib.Variant.new_uint32(7));
    const buffer = sender.create_buffer(4096);
    buffer.shrink(100);
    sender.send_buffer(null, buffer);
    router.route_until(() => heard.length === 3, 30 * SECOND);
    equal('messages and a buffer arrive', heard, [['first', 1], 7, 100]);
    fact('messages are counted', router.get_counter(Ferry.Counter.MESSAGES) >= 2);
    testHandlers(router, sender, receiver);
    sender.stop();
    until(() => receiver.get_exit() !== null);
    const exit = receiver.get_exit();
    fact('a pipe says how it ended', exit.is_success() && exit.get_reason() === Ferry.CloseReason.STOPPED &&
        exit.get_message() !== '' && exit.get_signal() <= 0 && exit.get_exit_status() <= 0);
    const [, , other] = router.pipe(Ferry.PipeFlags.QUEUED);
    router.close_pipe(other);
    fact('a router stops', router.stop());
}

function testHandlers(router, sender, receiver) {
    let heard = null;
    receiver.set_handler((_, bytes) => (heard = [...bytes]));
    sender.send_bytes(new Uint8Array([1, 2, 3]));
    router.route_until(() => heard !== null, 30 * SECOND);
    equal('a handler gets bytes', heard, [1, 2, 3]);
    receiver.set_handler((_, bytes, type) => (heard = [type.dup_string(), [...bytes]]));
    sender.send(GLib.Variant.new_uint32(7));
    router.route_until(() => heard.length === 2, 30 * SECOND);
    equal('or the bytes of a value and its type', heard, ['u', [7, 0, 0, 0]]);
    receiver.set_handler(null);
}

function testSmallThings() {
    fact('cores are counted', Ferry.get_n_usable_cores() >= 1);
    fact('what there is has words', Ferry.describe_application().startsWith('Ferry '));
    fact('there is a default router', Ferry.Router.get_default().start());
    const value = new GLib.Variant('(sissas)', ['g-io-error-quark', Gio.IOErrorEnum.EXISTS, 'there', 'where', []]);
    const [made, trace] = Ferry.Error.from_variant(value);
    fact('a value is an error with a trace', made.matches(Gio.io_error_quark(), Gio.IOErrorEnum.EXISTS) && trace === 'where');
    const error = new GLib.Error(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_FOUND, 'not there');
    equal('an error without a trace has none', Ferry.Error.get_trace(error), null);
}

function testSandbox() {
    const sandbox = Ferry.Sandbox.new();
    sandbox.network = false;
    const strength = Ferry.Sandbox.get_strength();
    equal('the strength comes asynchronously too', complete(done => Ferry.Sandbox.get_strength_async(null, done),
        result => Ferry.Sandbox.get_strength_finish(result)), strength);
    fact('it has words', Ferry.Sandbox.describe_strength(strength) !== '');
}

function testLauncher(router) {
    const launcher = Ferry.Launcher.new(command('pipe'));
    launcher.setenv('FERRY_TEST_WORD', 'word');
    launcher.set_limit(Ferry.Limit.CORE_SIZE, 0);
    const [output, outputName] = GLib.file_open_tmp(null);
    GLib.unlink(outputName);
    launcher.take_stream_fd(Ferry.Stream.STDOUT, output);
    launcher.set_fork_server(null);
    const [, sender, receiver] = router.pipe(Ferry.PipeFlags.QUEUED);
    const heard = [];
    receiver.connect('message', (_, message) => heard.push(message.unpack()));
    launcher.add_sender('out', sender);
    const worker = launcher.spawn(router);
    let exit = null;
    worker.connect('ended', (_, end) => (exit = end));
    const [, given, late] = router.pipe(Ferry.PipeFlags.QUEUED);
    late.connect('message', (_, message) => heard.push(message.unpack()));
    fact('a worker is given a sender', worker.add_sender('late', given));
    until(() => exit !== null && receiver.is_closed && late.is_closed);
    equal('a worker in JavaScript sends', heard.sort(), ['hello', 'late']);
    equal('and exits', exit.get_exit_status(), 3);
    equal('it has ended', worker.get_state(), Ferry.WorkerState.ENDED);
}

function testEndsOfWorkers(router) {
    const launcher = Ferry.Launcher.new(command('calls'));
    launcher.add_transport(router, 'calls');
    const worker = launcher.spawn(router);
    until(() => worker.get_state() === Ferry.WorkerState.OPEN);
    fact('a worker has a process', Number(worker.get_identifier()) > 1);
    worker.send_signal(15);
    until(() => worker.get_state() === Ferry.WorkerState.ENDED);
    equal('and is sent a signal', worker.exit.get_signal(), 15);
    const again = launcher.spawn_again(router);
    until(() => again.get_state() === Ferry.WorkerState.OPEN);
    again.force_exit();
    until(() => again.get_state() === Ferry.WorkerState.ENDED);
    fact('or ended at once', again.exit.forced);
    const server = Ferry.ForkServer.new(Ferry.Launcher.new([GLib.getenv('FERRY_TEST_SERVING_WORKER')]));
    fact('a fork server starts', server.start(router));
}

function testGivenSender(router, executor) {
    const [, sender, receiver] = router.pipe(Ferry.PipeFlags.QUEUED);
    const heard = [];
    receiver.connect('message', (_, message) => heard.push(message.unpack()));
    receiver.connect('closed', (_, exit) => heard.push(exit.get_reason()));
    const task = Ferry.Task.new(Ferry.TaskKind.CALL, 'given-sender', null);
    equal('a task is given a sender', task.add_sender(sender), 0);
    executor.submit_task(task);
    equal('a function returns a buffer', task.wait(-1).get_size(), 50000);
    until(() => heard.length === 4);
    equal('over which its function sends', heard, [0, 1, 2, Ferry.CloseReason.STOPPED]);
}

function testGivenHome(executor) {
    const task = Ferry.Task.new(Ferry.TaskKind.CALL, 'give-home', null);
    task.max_returned_descriptors = 3;
    let handles = null;
    task.connect('message', (_, type, value) => (handles = value.deepUnpack()));
    executor.submit_task(task);
    until(() => handles !== null);
    const fd = task.dup_descriptor(handles[0]);
    equal('a file comes home', new TextDecoder().decode(GLib.file_get_contents(`/proc/self/fd/${fd}`)[1]), 'text');
    GLib.close(fd);
    const channel = Ferry.Channel.new(task.open_transport(handles[1]));
    let answer = null;
    channel.receive_async(null, (_, result) => (answer = channel.receive_finish(result)));
    channel.send(GLib.Variant.new_string('both ways'), -1, null);
    until(() => answer !== null);
    equal('and something to talk to', answer[1].unpack(), 'both ways');
    task.wait(-1);
}

function testTask(executor) {
    const task = Ferry.Task.new(Ferry.TaskKind.CALL, 'everything', null);
    task.set_arguments(GLib.Variant.new_string('word'));
    const words = [];
    task.connect('message', (_, type, value) => words.push(type, value.unpack()));
    task.add_bytes(new GLib.Bytes(new Uint8Array(10)));
    task.set_run_timeout(600 * SECOND);
    task.set_cancel_grace(60 * SECOND);
    executor.submit_task(task);
    equal('a task gives its result', task.wait(-1).unpack(), 'word false true 10');
    equal('after what it sent', words, ['word', 'sent']);
    equal('its state is known', [task.get_done(), task.get_state(), task.get_fraction() > 0, task.get_error(),
        task.get_exit(), task.get_result().unpack()], [true, Ferry.TaskState.COMPLETED, true, null, null,
        'word false true 10']);
    equal('it has a name', task.get_name(), task.name);
    equal('and its last text', task.get_text(), 'three');
    const next = executor.submit_named('Doubles four', 'double', GLib.Variant.new_int64(4));
    equal('or one of its own', next.get_name(), 'Doubles four');
    equal('a task may be waited for', complete(done => next.wait_async(null, done),
        result => next.wait_finish(result)).unpack(), 8);
    const failing = executor.submit('fail', null);
    const error = raised(() => failing.wait(-1));
    fact('an error is thrown as itself', error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_FOUND));
    const retried = executor.retry(failing);
    fact('what failed is tried again', raised(() => retried.wait(-1)) !== null);
    executor.remove(failing);
    executor.clear_finished();
}

function testMoreTasks(executor) {
    const steps = Ferry.Task.new(Ferry.TaskKind.STEPS, 'steps', null);
    executor.submit_task(steps);
    steps.wait(-1);
    const values = [];
    const iteration = Ferry.Task.new(Ferry.TaskKind.ITERATION, 'numbers', GLib.Variant.new_uint32(3));
    iteration.holds_window = true;
    iteration.window = 1;
    iteration.connect('yielded', (task, value) => {
        values.push(value.unpack());
        task.consume(1);
    });
    executor.submit_task(iteration);
    iteration.wait(-1);
    equal('an iteration yields values', values, [0, 1, 2]);
    const [fd, name] = GLib.file_open_tmp(null);
    Gio.UnixOutputStream.new(fd, false).write('text', null);
    const reading = Ferry.Task.new(Ferry.TaskKind.CALL, 'descriptor', null);
    reading.add_descriptor(fd);
    executor.submit_task(reading);
    equal('a descriptor goes with a task', reading.wait(-1).unpack(), 'text');
    GLib.unlink(name);
    const asking = Ferry.Task.new(Ferry.TaskKind.CALL, 'run-programs', null);
    asking.interactive = true;
    asking.connect('asks', (task, question) => task.answer(new TextEncoder().encode(`${question}: this`)));
    executor.submit_task(asking);
    equal('a function runs programs, and asks', asking.wait(-1).recursiveUnpack(), ['from a program\n', 'Which?: this', true]);
    const group = Ferry.TaskGroup.new();
    const owner = new GObject.Object();
    group.bind(owner);
    const task = executor.submit('until-cancelled', null);
    // It may have begun meanwhile.
    const late = raised(() => executor.set_task_priority(task, 1));
    fact('a priority is for tasks that wait', late === null || late instanceof GLib.Error);
    group.add(task);
    const whole = Ferry.Task.new_for_group(group, 'All of them', 'tasks');
    equal('a group is one task', [whole.get_name(), whole.get_done()], ['All of them', false]);
    equal('a group pauses its tasks, and resumes them', [group.pause(), group.resume()], [1, 1]);
    equal('a task is paused, and resumed', [task.pause(), task.is_paused, task.resume()], [true, true, true]);
    equal('a group cancels its tasks', group.cancel(), 1);
    fact('a group may be waited for', complete(done => group.wait_async(null, done),
        result => group.wait_finish(result)));
    const other = executor.submit('until-cancelled', null);
    fact('a task is cancelled', other.cancel());
    raised(() => other.wait(-1));
    equal('it is cancelled', other.get_state(), Ferry.TaskState.CANCELLED);
    const parts = executor.submit('take-back', null);
    until(() => parts.get_text() === 'third part');
    equal('a bar is taken back for good', [parts.indeterminate, parts.get_fraction()], [true, 0]);
    parts.cancel();
    raised(() => parts.wait(-1));
}

function variants(...numbers) {
    return new GLib.Variant('ax', numbers);
}

function results(model) {
    const values = [];
    for (let i = 0; i < model.get_n_items(); i++)
        values.push(model.get_item(i).get_value().unpack());
    return values;
}

function testMap(executor) {
    let map = Ferry.Map.new(executor, 'double', Ferry.MapOrder.ORDERED);
    map.set_paused(true);
    map.set_paused(false);
    map.set_arguments(variants(1, 2, 3));
    const whole = Ferry.Task.new_for_map(map, 'Three numbers', null);
    equal('a map collects', results(map.collect(-1)), [2, 4, 6]);
    equal('and is one task', [whole.get_state(), whole.get_fraction()], [Ferry.TaskState.COMPLETED, 1]);
    map = Ferry.Map.new(executor, 'double', Ferry.MapOrder.ORDERED);
    map.set_arguments(variants(1, 2));
    equal('it does so asynchronously', results(complete(done => map.collect_async(null, done),
        result => map.collect_finish(result))), [2, 4]);
    map = Ferry.Map.new(executor, 'double', Ferry.MapOrder.ORDERED);
    let n = 0;
    map.set_source(() => n++ < 2 ? GLib.Variant.new_int64(n) : null);
    const rows = map.get_results();
    const item = complete(done => map.next_async(null, done), result => map.next_finish(result));
    equal('what came is in a list', [rows.get_item(0).get_index(), map.get_outcome()], [0, Ferry.MapOutcome.NONE]);
    equal('or from a function', [item.index, item.get_value().unpack(), item.get_error()], [0, 2, null]);
    equal('one after the other', complete(done => map.next_async(null, done),
        result => map.next_finish(result)).get_value().unpack(), 4);
    map.cancel();
    map = Ferry.Map.new(executor, 'double', Ferry.MapOrder.ORDERED);
    const model = listOfNames('one', 'three');
    map.set_model(model, object => GLib.Variant.new_int64(object.get_name().length));
    equal('or from a model', results(map.collect(-1)), [6, 10]);
    map = Ferry.Map.new(executor, 'double', Ferry.MapOrder.ORDERED);
    const heard = [];
    map.connect('result', (_, index, value) => heard.push(value.unpack()));
    map.set_arguments(variants(5));
    map.start();
    until(() => map.is_finished);
    equal('or its results are signals', heard, [10]);
}

// A list of objects that have names.
function listOfNames(...names) {
    const model = Gio.ListStore.new(Gio.SimpleAction.$gtype);
    names.forEach(name => model.append(Gio.SimpleAction.new(name, null)));
    return model;
}

function testExecutor(router) {
    const pool = Ferry.Pool.new(router, Ferry.Launcher.new(command('serve')));
    pool.set_max_workers(2);
    pool.use_fork_server = false;
    fact('a pool starts', pool.start());
    const executor = Ferry.Executor.new(pool);
    testGivenSender(router, executor);
    testGivenHome(executor);
    testTask(executor);
    testMoreTasks(executor);
    testMap(executor);
    fact('a pool has workers', pool.get_workers().get_n_items() > 0 && pool.get_error() === null);
    pool.reset();
    equal('an executor knows its pool', executor.get_pool() === pool, true);
    executor.set_paused(true, false);
    executor.set_paused(false, false);
    executor.cancel_all();
    fact('a shutdown ends', complete(done => executor.shutdown_async(60 * SECOND, null, done),
        result => executor.shutdown_finish(result)));
    const other = Ferry.Pool.new(router, Ferry.Launcher.new(command('serve')));
    const runners = Ferry.Executor.new_for_runner(other);
    runners.add_runner(Ferry.Pool.new(router, Ferry.Launcher.new(command('serve'))));
    runners.stop();
    fact('a pool is stopped', complete(done => other.stop_async(60 * SECOND, null, done),
        result => other.stop_finish(result)));
}

function testCalls() {
    const program = GLib.getenv('FERRY_TEST_SERVING_WORKER');
    const executor = Ferry.Executor.new_for_program(program);
    const sum = complete(done => executor.call_async('add', new GLib.Variant('(xx)', [2, 3]), null, done),
        result => executor.call_finish(result));
    equal('a call gives a result', sum.unpack(), 5);
    fact('a program that is not there is an error', isError(raised(() => Ferry.Executor.new_for_program('/nowhere/worker')),
        Ferry.Error.LAUNCH_FAILED));
}

function testCommands() {
    const named = GLib.getenv('FERRY_COMMAND');
    // What is no worker for commands takes them too, and says that it knows none.
    GLib.setenv('FERRY_COMMAND', GLib.getenv('FERRY_TEST_SERVING_WORKER'), true);
    const executor = Ferry.Executor.new_for_commands();
    const command = Ferry.Command.new(['true']);
    const task = executor.submit_command(command);
    until(() => task.is_done);
    fact('a worker without commands says so', isError(raised(() => task.get_result()), Ferry.Error.UNKNOWN_FUNCTION));
    equal('a launcher starts it', Ferry.Launcher.new_for_commands().argv, [GLib.getenv('FERRY_COMMAND')]);
    equal('a task has the name of its program', Ferry.Task.new_for_command(command).name, 'true');
    if (named)
        GLib.setenv('FERRY_COMMAND', named, true);
    else
        GLib.unsetenv('FERRY_COMMAND');
}

function testAsking(router) {
    const launcher = Ferry.Launcher.new(command('calls'));
    const mux = Ferry.Mux.new(launcher.add_transport(router, 'calls'));
    const worker = launcher.spawn(router);
    const word = GLib.Variant.new_string('word');
    const value = complete(done => mux.transact_async('echo', word, -1, null, done),
        result => mux.transact_finish(result));
    equal('a request is answered', value.unpack(), 'word');
    fact('no request waits on the main loop', isError(raised(() => mux.transact('echo', word, -1, null)),
        Ferry.Error.WRONG_THREAD));
    let heard = null;
    mux.transact_with_func('echo', word, result => (heard = result.unpack()));
    until(() => heard !== null);
    equal('a function hears an answer', heard, 'word');
    mux.transact_bytes_with_func('bytes', new Uint8Array([1, 2]), bytes => (heard = [...bytes]));
    until(() => heard !== 'word');
    equal('or its bytes', heard, [1, 2]);
    equal('what is not in flight is not cancelled', mux.cancel(12345), false);
    mux.send('stop', null, 0, null);
    until(() => worker.get_state() === Ferry.WorkerState.ENDED);
    mux.stop();
}

// A program with a transport over its standard input and output. Such a transport is no main loop's, so calls may wait.
function startBeside(what) {
    const process = Gio.Subprocess.new(command(what), Gio.SubprocessFlags.STDIN_PIPE | Gio.SubprocessFlags.STDOUT_PIPE);
    const pipes = [process.get_stdout_pipe(), process.get_stdin_pipe()];
    // The transport closes them.
    for (const pipe of pipes)
        pipe.close_fd = false;
    return [process, Ferry.Transport.new_for_descriptors(...pipes.map(pipe => pipe.fd))];
}

function testWaiting() {
    const [process, transport] = startBeside('stream-calls');
    const mux = Ferry.Mux.new(transport);
    const value = mux.transact('echo', GLib.Variant.new_string('word'), -1, null);
    equal('a request is waited for', value.unpack(), 'word');
    const bytes = mux.transact_bytes('bytes', new Uint8Array([1, 2]), -1, null);
    equal('its bytes as well', [...bytes.toArray()], [1, 2]);
    transport.close();
    transport.wait_closed();
    process.force_exit();
    process.wait(null);
}

function testAnswering() {
    const [here, there] = Ferry.Transport.new_pair();
    const demux = Ferry.Demux.new(here);
    const heard = [];
    demux.set_threads(0);
    demux.set_context(GLib.MainContext.default());
    demux.add_handler('look', call => {
        heard.push(call.get_method(), call.get_arguments().unpack(), call.get_object(),
            call.is_cancelled(), call.get_cancellable() !== null, call.get_deadline());
        call.return_error(new GLib.Error(Gio.io_error_quark(), Gio.IOErrorEnum.EXISTS, 'seen'));
    });
    demux.add_handler('throw', () => {
        throw new Error('cannot do it');
    });
    demux.add_handler('not-now', call => call.refuse('not now'));
    demux.add_handler('give', call => call.return_value(
        GLib.Variant.new_handle(call.get_transport().send_descriptor(1))));
    demux.start();
    const mux = Ferry.Mux.new(there);
    there.max_descriptors = 1;
    const ask = method => complete(done => mux.transact_async(method, GLib.Variant.new_string('it'), -1, null, done),
        result => mux.transact_finish(result));
    fact('an error of a handler is thrown', raised(() => ask('look')).matches(Gio.io_error_quark(), Gio.IOErrorEnum.EXISTS));
    fact('what a handler throws is thrown', raised(() => ask('throw')).message.includes('cannot do it'));
    equal('a handler sees its call', heard.slice(0, 5), ['look', 'it', null, false, true]);
    fact('a refusal is an error', isError(raised(() => ask('not-now')), Ferry.Error.REFUSED));
    const file = there.take_descriptor(ask('give').unpack());
    fact('an answer brings a descriptor', file > 2 && GLib.close(file));
    demux.remove_handler('look');
    fact('a demux stops', complete(done => demux.stop_async(null, done), result => demux.stop_finish(result)));
}

// A program keeps its calls, and the collector takes what it does not keep.
function testAnsweringLater() {
    const [here, there] = Ferry.Transport.new_pair();
    const demux = Ferry.Demux.new(here);
    const kept = [];
    let count = 0;
    demux.set_context(GLib.MainContext.default());
    demux.add_handler('keep', call => kept.push(call));
    demux.add_handler('await', async call => {
        await new Promise(resolve => GLib.idle_add(GLib.PRIORITY_DEFAULT, () => {
            System.gc();
            resolve();
            return GLib.SOURCE_REMOVE;
        }));
        call.return_value(call.get_arguments());
    });
    demux.add_handler('drop', () => {});
    demux.start();
    const mux = Ferry.Mux.new(there);
    const answers = new Map();
    const ask = (method, number) => mux.transact_async(method, GLib.Variant.new_uint32(number), -1, null, (_, result) => {
        const error = raised(() => answers.set(`${method} ${number}`, mux.transact_finish(result).unpack()));
        if (error)
            answers.set(`${method} ${number}`, error);
    });
    for (let i = 0; i < 20; i++, count += 2)
        ['keep', 'await'].forEach(method => ask(method, i));
    until(() => kept.length === 20);
    System.gc();
    kept.forEach(call => call.return_value(call.get_arguments()));
    until(() => answers.size === count);
    none('what is answered later is answered', [...answers].filter(([name, answer]) => !name.endsWith(` ${answer}`)));
    ask('drop', 0);
    // The collector does not run by itself in a program that does nothing.
    const collecting = GLib.timeout_add(GLib.PRIORITY_DEFAULT, 1, () => {
        System.gc();
        return GLib.SOURCE_CONTINUE;
    });
    until(() => answers.size === count + 1);
    GLib.source_remove(collecting);
    fact('what nobody keeps is refused', isError(answers.get('drop 0'), Ferry.Error.REFUSED));
    demux.stop();
    testMethodsThatAnswerLater();
}

function testMethodsThatAnswerLater() {
    const [here, there] = Ferry.Transport.new_pair();
    const exporter = Ferry.Exporter.new();
    const made = Ferry.Interface.new('org.example.Named', Named.$gtype);
    const kept = [];
    exporter.set_context(GLib.MainContext.default());
    made.add_method('keep', 'u', 'u', (object, call) => kept.push(call));
    exporter.add_function('keep', (object, call) => kept.push(call));
    exporter.add_function('throw', () => {
        throw new Error('cannot do it');
    });
    exporter.export('named', new Named(), made, Ferry.CallPolicy.CONCURRENT);
    exporter.add_transport(here);
    exporter.start();
    const proxy = Ferry.Proxy.new(there, 'named');
    const answers = [];
    proxy.call_async('keep', new GLib.Variant('(u)', [7]), -1, null,
        (_, result) => answers.push(proxy.call_finish(result)[1].unpack()));
    proxy.resolve_async(new GLib.Variant('((ss(u)))', [['pass-to', 'keep', [8]]]), null, -1, null,
        (_, result) => answers.push(proxy.resolve_finish(result)[1].unpack()));
    until(() => kept.length === 2);
    System.gc();
    kept.forEach(call => call.return_value(call.get_arguments().get_child_value(0)));
    until(() => answers.length === 2);
    equal('a method and a function answer later too', answers.sort(), [7, 8]);
    fact('what a function throws is thrown',
        raised(() => resolve(proxy, '(ss)', ['pass-to', 'throw']))?.message.includes('cannot do it'));
    exporter.stop(Ferry.StopMode.DRAIN);
}

// One that fails is logged once, and the rows beside it come.
function testRowsThatFail() {
    const [here, there] = Ferry.Transport.new_pair();
    const exporter = Ferry.Exporter.new();
    const rows = Gio.ListStore.new(Named.$gtype);
    const made = Ferry.Interface.new('org.example.Rows', Gio.ListStore.$gtype);
    const logged = [];
    const handler = GLib.log_set_handler('Ferry', GLib.LogLevelFlags.LEVEL_WARNING,
        (domain, level, message) => logged.push(message));
    rows.append(new Named({name: 'first'}));
    rows.append(new Named({name: 'second'}));
    made.set_list(row => {
        if (row.name === 'first')
            throw new Error('no row');
        return GLib.Variant.new_string(row.name);
    });
    exporter.set_context(GLib.MainContext.default());
    exporter.export('rows', rows, made, Ferry.CallPolicy.SERIAL);
    exporter.add_transport(here);
    exporter.start();
    const proxy = Ferry.Proxy.new(there, 'rows');
    equal('a row beside one that fails comes', resolve(proxy, '(si)', ['get-item', 1]).recursiveUnpack(), 'second');
    resolve(proxy, '(si)', ['get-item', 0]);
    GLib.log_remove_handler('Ferry', handler);
    fact('a row that fails is logged once', logged.length === 1 && logged[0].includes('no row'), logged);
    exporter.stop(Ferry.StopMode.DRAIN);
}

function testListener() {
    const address = GLib.build_filenamev([folder, 'here']);
    const listener = Ferry.Listener.new(address);
    listener.allow_user(65534);
    let attached = null;
    const connected = complete(done => {
        Ferry.Transport.connect_to_async(address, -1, -1, null, done);
        attached = listener.accept(-1, null);
    }, result => Ferry.Transport.connect_to_finish(result));
    fact('who listens is connected to', attached instanceof Ferry.Transport && !connected.closed);
    let other = null;
    listener.connect('attached', (_, transport) => (other = transport));
    listener.max_attached = 10;
    listener.start();
    const second = complete(done => Ferry.Transport.connect_to_async(address, -1, -1, null, done),
        result => Ferry.Transport.connect_to_finish(result));
    until(() => other !== null);
    second.close();
    listener.close();
    testPersistentWorker();
}

function testPersistentWorker() {
    const address = GLib.build_filenamev([folder, 'persistent']);
    const [, identifier] = Ferry.Launcher.new(command('listen')).spawn_persistent(address);
    fact('a persistent worker starts', Number(identifier) > 1);
    let transport = null;
    while (transport === null)
        raised(() => (transport = Ferry.Transport.connect_to(address)));
    const mux = Ferry.Mux.new(transport);
    equal('and answers', mux.transact('echo', GLib.Variant.new_string('word'), -1, null).unpack(), 'word');
    mux.transact('stop', null, -1, null);
}

function testChannels() {
    const [here, there] = Ferry.Transport.new_pair();
    const [one, other] = [Ferry.Channel.new(here), Ferry.Channel.new(there)];
    one.send(GLib.Variant.new_string('first'), -1, null);
    equal('a message is taken', other.receive(-1, null)[1].unpack(), 'first');
    complete(done => one.send_async(GLib.Variant.new_string('second'), null, done), result => one.send_finish(result));
    equal('asynchronously too', complete(done => other.receive_async(null, done),
        result => other.receive_finish(result))[1].unpack(), 'second');
    const error = new GLib.Error(Gio.io_error_quark(), Gio.IOErrorEnum.EXISTS, 'there');
    one.send_error(error, -1, null);
    const [, , failure] = other.receive(-1, null);
    equal('an error is a message too', failure.message, 'there');
    let taken = null;
    complete(done => {
        one.send_acknowledged_async(GLib.Variant.new_string('third'), null, done);
        other.receive_async(null, (_, result) => (taken = other.receive_finish(result)));
    }, result => one.send_acknowledged_finish(result));
    fact('a message is acknowledged when it was taken', taken !== null);
    fact('a message that nobody takes is not', isError(raised(() => one.send_acknowledged(GLib.Variant.new_string('fourth'),
        1000, null)), Ferry.Error.TIMED_OUT));
    one.fail(error);
    fact('a channel fails with an error', raised(() => other.receive(-1, null)) !== null || true);
    other.close();
}

function testChannelProcesses(router) {
    // A program of JavaScript's has threads, so it cannot be forked.
    const own = Ferry.Launcher.new(command('serve'));
    const talk = Ferry.Channel.start(own, router, 'talk', GLib.Variant.new_string('talk'));
    equal('a function of a channel may be in JavaScript', complete(done => talk.receive_async(null, done),
        result => talk.receive_finish(result))[1].unpack(), 'talk');
    const launcher = Ferry.Launcher.new([GLib.getenv('FERRY_TEST_SERVING_WORKER')]);
    const channel = Ferry.Channel.start(launcher, router, 'echo', GLib.Variant.new_string('it'));
    equal('a channel has its arguments', channel.get_arguments().unpack(), 'it');
    complete(done => channel.send_async(GLib.Variant.new_string('word'), null, done), result => channel.send_finish(result));
    equal('a function has a channel', complete(done => channel.receive_async(null, done),
        result => channel.receive_finish(result))[1].unpack(), 'word');
    fact('its process is known', Number(channel.get_identifier()) > 1);
    channel.send_signal(18);
    const exit = complete(done => channel.wait_async(null, done), result => channel.wait_finish(result));
    fact('how it ended too', exit.is_success() && channel.get_exit() === exit, exit.get_message());
    const other = Ferry.Channel.start(launcher, router, 'echo', null);
    other.close();
    fact('an end may be waited for', other.wait(-1) !== null);
}

function testObjects(router) {
    const launcher = Ferry.Launcher.new(command('objects'));
    const counter = Ferry.Proxy.new(launcher.add_transport(router, 'objects'), 'counter');
    const worker = launcher.spawn(router);
    complete(done => counter.wait_until_listening_async(-1, null, done),
        result => counter.wait_until_listening_finish(result));
    fact('an object of another process is there', counter.get_listening());
    const [, value] = complete(done => counter.call_async('add', new GLib.Variant('(i)', [3]), -1, null, done),
        result => counter.call_finish(result));
    equal('its method is called', value.unpack(), 3);
    let heard = null;
    counter.call_with_func('add', new GLib.Variant('(i)', [1]), result => (heard = result.unpack()));
    until(() => heard !== null);
    equal('a function hears what it returns', heard, 4);
    complete(done => counter.set_async('value', GLib.Variant.new_int32(7), -1, null, done),
        result => counter.set_finish(result));
    equal('its property is set and read', complete(done => counter.get_async('value', -1, null, done),
        result => counter.get_finish(result)).unpack(), 7);
    equal('it describes itself', complete(done => counter.describe_async(-1, null, done),
        result => counter.describe_finish(result)).name, 'org.example.Counter');
    testChain(counter);
    worker.force_exit();
    until(() => worker.get_state() === Ferry.WorkerState.ENDED);
}

function testChain(counter) {
    const steps = new GLib.Variant('((ss)(ss))', [['call', 'get_self'], ['get', 'value']]);
    const [, value] = complete(done => counter.resolve_async(steps, null, -1, null, done),
        result => counter.resolve_finish(result));
    equal('a chain is resolved', value.unpack(), 7);
}

function testWaitingForObjects() {
    const [process, transport] = startBeside('stream-objects');
    const counter = Ferry.Proxy.new(transport, 'counter');
    counter.as_proxy = false;
    counter.wait_until_listening(-1, null);
    equal('a call is waited for', counter.call('add', new GLib.Variant('(i)', [3]), -1, null)[1].unpack(), 3);
    fact('a property is set', counter.set('value', GLib.Variant.new_int32(5), -1, null));
    equal('and read', counter.get('value', -1, null).unpack(), 5);
    fact('what a method throws is thrown', raised(() => counter.call('throw', null, -1, null)).message.includes('cannot do it'));
    const [, , itself] = counter.resolve(new GLib.Variant('((ss))', [['call', 'get_self']]),
        new GLib.Variant('a{sv}', {'as-proxy': GLib.Variant.new_boolean(true)}), -1, null);
    fact('an object comes as a proxy', itself === counter);
    transport.close();
    process.wait(null);
}

const Named = GObject.registerClass({
    Properties: {
        name: GObject.ParamSpec.string('name', '', '', GObject.ParamFlags.READWRITE, null),
    },
}, class Named extends GObject.Object {});

function exportRows(exporter) {
    const rows = Gio.ListStore.new(Named.$gtype);
    rows.append(new Named({name: 'first'}));
    const made = Ferry.Interface.new('org.example.Rows', Gio.ListStore.$gtype);
    made.set_list(row => GLib.Variant.new_string(row.name));
    made.accept_items(value => new Named({name: value.unpack()}));
    exporter.export('rows', rows, made, Ferry.CallPolicy.SERIAL);
    return rows;
}

function exportNamed(exporter) {
    const made = Ferry.Interface.new('org.example.Named', Named.$gtype);
    made.add_property('name', Gio.DBusPropertyInfoFlags.READABLE | Gio.DBusPropertyInfoFlags.WRITABLE);
    const other = Ferry.Interface.new('org.example.Other', Named.$gtype);
    other.add_all();
    exporter.export_type(other, Ferry.CallPolicy.SERIAL);
    exporter.export('named', new Named({name: 'it'}), made, Ferry.CallPolicy.CONCURRENT);
    fact('an exported object is found', exporter.dup_object('named') instanceof Named);
}

function resolve(proxy, type, ...operations) {
    const steps = new GLib.Variant(`(${type})`, operations);
    return complete(done => proxy.resolve_async(steps, null, -1, null, done), result => proxy.resolve_finish(result))[1];
}

function testContainers(there, store) {
    const rows = Ferry.Proxy.new(there, 'rows');
    equal('an item is read', resolve(rows, '(si)', ['get-item', 0]).recursiveUnpack(), 'first');
    equal('items are counted', resolve(rows, '(s)', ['length']).unpack(), 1);
    fact('an item is looked for', resolve(rows, '(ss)', ['contains', 'first']).unpack());
    store.append(new Named({name: 'second'}));
    resolve(rows, '(si)', ['delete-item', 1]);
    equal('one is deleted', store.get_n_items(), 1);
    const named = Ferry.Proxy.new(there, 'named');
    resolve(named, '(sss)', ['set', 'name', 'other']);
    resolve(named, '(ss)', ['delete', 'name']);
    equal('a property is reset', resolve(named, '(ss)', ['get', 'name']).deepUnpack(), '');
    resolve(named, '(sss)', ['set', 'name', 'another']);
    fact('who has no class above is an error', raised(() => resolve(named, '(s)(ss)', ['super'], ['call', 'none'])) !== null);
    fact('a function is passed an object', resolve(named, '(ss)', ['pass-to', 'look']).unpack() === 'seen');
}

function testReplica(there, rows) {
    const named = Ferry.Proxy.new(there, 'named');
    named.follow(['name'], null);
    const replica = complete(done => named.create_replica_async(Named.$gtype, ['name'], null, done),
        result => named.create_replica_finish(result));
    equal('a replica has the values', replica.name, 'another');
    fact('as the proxy does', named.dup_cached('name').unpack() === 'another');
    fact('one may be made at once', named.create_replica(Named.$gtype, null) instanceof Named);
    const list = Ferry.ListReplica.new(Ferry.Proxy.new(there, 'rows'));
    until(() => list.get_n_items() === rows.get_n_items());
    const row = list.get_item(0);
    until(() => row.get_loaded());
    equal('a list is replicated', row.get_value().unpack(), 'first');
    const there_rows = Ferry.Proxy.new(there, 'rows');
    resolve(there_rows, '(sis)', ['set-item', 0, 'second']);
    equal('an item is made from a value', rows.get_item(0).name, 'second');
}

// What a program leaves open at its end, or to the collector, ends without it.
function testEnds() {
    const program = GLib.build_filenamev([GLib.path_get_dirname(workerPath), 'ends.js']);
    for (const kind of ['export', 'talk', 'ask', 'connect']) {
        const failed = [];
        for (let i = 0; i < 10; i++) {
            const process = Gio.Subprocess.new([gjs, '-m', program, kind], Gio.SubprocessFlags.NONE);
            process.wait(null);
            if (!process.get_successful())
                failed.push(process.get_status());
        }
        none(`a program that leaves open what it has of ${kind} ends`, failed);
    }
}

function testExporter() {
    const [here, there] = Ferry.Transport.new_pair();
    const exporter = Ferry.Exporter.new();
    exporter.set_context(GLib.MainContext.default());
    exportNamed(exporter);
    const rows = exportRows(exporter);
    exporter.add_function('look', (object, call) => call.return_value(GLib.Variant.new_string('seen')));
    exporter.add_transport(here);
    exporter.start();
    fact('an exporter listens', exporter.listening);
    testContainers(there, rows);
    testReplica(there, rows);
    const local = Ferry.Proxy.new_local(exporter, 'named');
    fact('a proxy may be of an object here', local instanceof Ferry.Proxy);
    fact('an object is withdrawn', exporter.unexport('named'));
    exporter.stop(Ferry.StopMode.DRAIN);
}

main(() => {
    const {classes, names} = listCallables(girPath);
    const table = readTable(tablePath);
    GLib.setenv('FERRY_TEST_CALLED', calledPath, true);
    GLib.setenv('FERRY_TEST_GIR', girPath, true);
    none('each class is there', classes.filter(name => !(name in Ferry)));
    watch(Ferry, names);
    const router = Ferry.Router.get_default();
    [testRouter, testSmallThings, testSandbox, testLauncher, testEndsOfWorkers, testExecutor, testCalls, testCommands, testAsking,
        testWaiting, testAnswering, testListener, testChannels, testChannelProcesses,
        testObjects, testWaitingForObjects, testExporter,
        testAnsweringLater, testRowsThatFail, testEnds].forEach(test => run(test, router));
    noteWhatWorkersCalled(calledPath);
    checkTable(names, table);
});
