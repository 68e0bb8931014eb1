// SPDX-FileCopyrightText: The Ferry authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Each class, used once from Vala: test-vala WORKER. The worker is tests/workers/serving-worker.c; for programs that a
// function runs, it is this program.

string worker_path;

class Counter : Object {
    public int value { get; set; }
}

Ferry.Executor make_executor () {
    try {
        return new Ferry.Executor.for_program (worker_path);
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
}

void test_task () {
    try {
        var executor = make_executor ();
        var task = executor.submit ("send", new Variant.uint64 (3));
        int n_messages = 0;
        bool is_done = false;
        task.message.connect ((type, value) => n_messages++);
        task.done.connect (() => is_done = true);
        until (() => is_done);
        assert_true (n_messages == 3 && task.fraction <= 1 && task.get_state () == Ferry.TaskState.COMPLETED);
        task = executor.submit_named ("Adds up", "add", new Variant ("(xx)", (int64) 40, (int64) 2));
        assert_true (task.get_name () == "Adds up");
        assert_true (task.wait (-1).get_int64 () == 42);
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
}

async void call (Ferry.Executor executor, MainLoop loop) {
    try {
        var sum = yield executor.call_async ("add", new Variant ("(xx)", (int64) 2, (int64) 3), null);
        assert_true (sum.get_int64 () == 5);
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
    loop.quit ();
}

void test_call () {
    var loop = new MainLoop ();
    call.begin (make_executor (), loop);
    loop.run ();
}

void test_error () {
    try {
        make_executor ().submit ("fail", new Variant ("(sis)", "g-file-error-quark", 4, "It is not there")).wait (-1);
        assert_not_reached ();
    } catch (FileError.NOENT error) {
        assert_true (error.message.has_prefix ("It is not there"));
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
}

void test_map () {
    try {
        var map = new Ferry.Map (make_executor (), "add", Ferry.MapOrder.ORDERED);
        map.set_arguments (new Variant ("((xx))", (int64) 1, (int64) 2));
        var item = (Ferry.MapItem) map.collect (-1).get_item (0);
        assert_true (item.get_value ().get_int64 () == 3);
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
}

void test_group () {
    try {
        var group = new Ferry.TaskGroup ();
        group.add (make_executor ().submit ("sleep-until-cancelled", null));
        assert_true (group.cancel () == 1);
        until (() => group.n_open == 0);
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
}

void test_pipe () {
    try {
        var router = Ferry.Router.get_default ();
        Ferry.Sender sender;
        Ferry.Receiver receiver;
        string? heard = null;
        router.pipe (Ferry.PipeFlags.QUEUED, out sender, out receiver);
        receiver.message.connect (message => heard = message.get_string ());
        sender.start ();
        sender.send ("hello");
        router.route_until (() => heard != null, -1);
        assert_true (heard == "hello");
        sender.stop ();
        until (() => receiver.get_exit () != null);
        assert_true (receiver.is_closed && receiver.get_exit ().is_success ());
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
}

async void ask (Ferry.Mux mux, MainLoop loop) {
    try {
        Variant? answer = yield mux.transact_async ("echo", "word", -1, null);
        assert_true (answer.get_string () == "word");
        Variant? handle = yield mux.transact_async ("give", null, -1, null);
        var file = mux.transport.take_descriptor (handle.get_handle ());
        assert_true (file > 2 && FileUtils.close (file) == 0);
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
    loop.quit ();
}

void test_mux () {
    Ferry.Transport here;
    Ferry.Transport there;
    var loop = new MainLoop ();
    Ferry.Transport.new_pair (out here, out there);
    var demux = new Ferry.Demux (here);
    demux.add_handler ("echo", invocation => invocation.return_value (invocation.get_arguments ()));
    demux.add_handler ("give", invocation => {
        try {
            invocation.return_value (new Variant.handle (invocation.get_transport ().send_descriptor (1)));
        } catch (Error error) {
            invocation.return_error (error);
        }
    });
    there.max_descriptors = 1;
    try {
        demux.start ();
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
    ask.begin (new Ferry.Mux (there), loop);
    loop.run ();
    demux.stop ();
}

async void add (Ferry.Proxy proxy, MainLoop loop) {
    Variant? sum;
    Variant? value_of_chain;
    try {
        yield proxy.wait_until_listening_async (-1, null);
        yield proxy.call_async ("add", new Variant ("(i)", 3), -1, null, out sum, null);
        assert_true (sum.get_int32 () == 3);
        var value = yield proxy.get_async ("value", -1, null);
        assert_true (value.get_int32 () == 3);
        yield proxy.resolve_async (new Variant ("((ss))", "get", "value"), null, -1, null, out value_of_chain, null);
        assert_true (value_of_chain.get_int32 () == 3);
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
    loop.quit ();
}

// Each call is answered once its handler has returned; one that nobody keeps is refused.
void test_later () {
    Ferry.Transport here;
    Ferry.Transport there;
    var loop = new MainLoop ();
    Ferry.Transport.new_pair (out here, out there);
    var demux = new Ferry.Demux (here);
    var kept = new GenericArray<Ferry.Invocation> ();
    int n_answers = 0;
    demux.set_context (null);
    demux.add_handler ("later", invocation => kept.add (invocation));
    demux.add_handler ("drop", invocation => {});
    demux.add_handler ("fail", invocation => {
        throw new IOError.BUSY ("Not now");
    });
    try {
        demux.start ();
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
    var mux = new Ferry.Mux (there);
    mux.transact_async.begin ("later", "word", -1, null, (object, result) => {
        try {
            assert_true (mux.transact_async.end (result).get_string () == "word");
        } catch (Error error) {
            GLib.error ("%s", error.message);
        }
        if (++n_answers == 3)
            loop.quit ();
    });
    mux.transact_async.begin ("drop", null, -1, null, (object, result) => {
        try {
            mux.transact_async.end (result);
            assert_not_reached ();
        } catch (Ferry.Error.REFUSED error) {
            assert_true (error.message.contains ("without an answer"));
        } catch (Error error) {
            GLib.error ("%s", error.message);
        }
        if (++n_answers == 3)
            loop.quit ();
    });
    mux.transact_async.begin ("fail", null, -1, null, (object, result) => {
        try {
            mux.transact_async.end (result);
            assert_not_reached ();
        } catch (IOError.BUSY error) {
            assert_true (error.message.contains ("Not now") && Ferry.Error.get_trace (error).contains ("fail"));
        } catch (Error error) {
            GLib.error ("%s", error.message);
        }
        if (++n_answers == 3)
            loop.quit ();
    });
    until (() => kept.length == 1);
    kept[0].return_value (kept[0].get_arguments ());
    kept = null;
    loop.run ();
    demux.stop ();
}

void test_object () {
    Ferry.Transport here;
    Ferry.Transport there;
    var loop = new MainLoop ();
    var exporter = new Ferry.Exporter ();
    var made = new Ferry.Interface ("org.example.Counter", typeof (Counter));
    Ferry.Transport.new_pair (out here, out there);
    made.add_property ("value", DBusPropertyInfoFlags.READABLE);
    made.add_method ("add", "i", "i", (object, invocation) => {
        var counter = (Counter) object;
        counter.value += invocation.get_arguments ().get_child_value (0).get_int32 ();
        invocation.return_value (counter.value);
    });
    exporter.set_context (null);
    try {
        exporter.export ("counter", new Counter (), made, Ferry.CallPolicy.SERIAL);
        exporter.add_transport (here);
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
    exporter.start ();
    add.begin (new Ferry.Proxy (there, "counter"), loop);
    loop.run ();
    exporter.stop (Ferry.StopMode.DRAIN);
}

async void replace_item (Ferry.Proxy proxy, MainLoop loop) {
    try {
        yield proxy.resolve_async (new Variant ("((sii))", "set-item", 0, 7), null, -1, null, null, null);
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
    loop.quit ();
}

void test_list () {
    Ferry.Transport here;
    Ferry.Transport there;
    var store = new ListStore (typeof (Counter));
    var exporter = new Ferry.Exporter ();
    var made = new Ferry.Interface ("org.example.List", typeof (ListStore));
    var loop = new MainLoop ();
    Ferry.Transport.new_pair (out here, out there);
    store.append (new Counter ());
    made.set_list (item => ((Counter) item).value);
    made.accept_items (value => {
        var counter = new Counter ();
        counter.value = value.get_int32 ();
        return counter;
    });
    exporter.set_context (null);
    try {
        exporter.export ("list", store, made, Ferry.CallPolicy.SERIAL);
        exporter.add_transport (here);
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
    exporter.start ();
    replace_item.begin (new Ferry.Proxy (there, "list"), loop);
    loop.run ();
    assert_true (((Counter) store.get_item (0)).value == 7);
    exporter.stop (Ferry.StopMode.DRAIN);
}

// A runner has a router, and a pool is made with one.
void test_runner () {
    var router = Ferry.Router.get_default ();
    var pool = (Ferry.Pool) Object.new (typeof (Ferry.Pool), "router", router);
    Ferry.Runner runner = pool;
    assert_true (pool.router == router && runner.router == router);
}

void test_channel () {
    Ferry.Transport here;
    Ferry.Transport there;
    Variant? value;
    Ferry.Transport.new_pair (out here, out there);
    var one = new Ferry.Channel (here);
    var other = new Ferry.Channel (there);
    try {
        one.send ("word", -1);
        other.receive (-1, null, out value, null);
        assert_true (value.get_string () == "word");
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
    one.close ();
}

void test_sandbox () {
    var sandbox = new Ferry.Sandbox ();
    sandbox.network = false;
    assert_true (Ferry.Sandbox.describe_strength (Ferry.Sandbox.get_strength ()) != "");
}

void test_function () {
    Ferry.function_register ("double", "x", "x", (job, arguments) => new Variant.int64 (2 * arguments.get_int64 ()));
    try {
        var executor = new Ferry.Executor (new Ferry.Pool.for_threads (Ferry.Router.get_default ()));
        assert_true (executor.submit ("double", new Variant.int64 (21)).wait (-1).get_int64 () == 42);
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
}

bool wrote (Variant result, string text) {
    return result.get_child_value (1).get_data_as_bytes ().compare (new Bytes (text.data)) == 0;
}

// In a worker: two programs and a folder for what is between them. The second ends with a status that is none of success.
Variant? run_programs (Ferry.Job job, Variant? arguments) throws Error {
    Variant result;
    var path = Path.build_filename (job.get_scratch_folder (), "between");
    job.run_command (new Ferry.Command ({"sh", "-c", "echo $1 >\"$2\"; echo written", "sh", arguments.get_string (), path}),
                     out result);
    assert_true (wrote (result, "written\n"));
    job.run_command (new Ferry.Command ({"cat", path}), out result);
    assert_true (wrote (result, "a word\n"));
    job.run_command (new Ferry.Command ({"sh", "-c", "echo not so >&2; exit 3"}), null);
    return null;
}

void test_programs_of_a_function () {
    try {
        new Ferry.Executor.for_program ("/proc/self/exe").submit ("run-programs", "a word").wait (-1);
        assert_not_reached ();
    } catch (Error error) {
        // The third program's, so the others have done what they were to do.
        assert_true (error.domain == Quark.from_string ("g-spawn-exit-error-quark") && error.code == 3);
        assert_true (error.message.has_suffix ("ended with status 3: not so"));
    }
}

int main (string[] args) {
    Ferry.function_register ("run-programs", "s", null, run_programs);
    Ferry.Worker.main (ref args);
    Test.init (ref args);
    worker_path = args[1];
    Test.add_func ("/vala/a-task-sends-and-is-done", test_task);
    Test.add_func ("/vala/a-call-gives-a-result", test_call);
    Test.add_func ("/vala/an-error-keeps-its-domain", test_error);
    Test.add_func ("/vala/a-map-collects", test_map);
    Test.add_func ("/vala/a-group-cancels", test_group);
    Test.add_func ("/vala/a-pipe-has-messages", test_pipe);
    Test.add_func ("/vala/a-request-is-answered", test_mux);
    Test.add_func ("/vala/a-request-is-answered-later", test_later);
    Test.add_func ("/vala/an-object-has-a-proxy", test_object);
    Test.add_func ("/vala/items-of-a-list-are-replaced", test_list);
    Test.add_func ("/vala/a-runner-has-the-router-of-its-pool", test_runner);
    Test.add_func ("/vala/a-channel-has-messages", test_channel);
    Test.add_func ("/vala/a-sandbox-has-a-strength", test_sandbox);
    Test.add_func ("/vala/a-function-of-vala-runs", test_function);
    Test.add_func ("/vala/a-function-of-vala-runs-programs", test_programs_of_a_function);
    return Test.run ();
}
