// SPDX-FileCopyrightText: The Ferry authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// The classes of the queue, used from Vala: test-vala-queue WORKER [PATH]
//
// Another process, which is this program with the path of a queue, opens the queue, submits tasks, and is killed. Then the
// queue is opened here. WORKER is the serving worker.

string program;
string worker_path;

Ferry.Queue make_queue (string path) throws Error {
    var router = Ferry.Router.get_default ();
    router.start ();
    var pool = new Ferry.Pool (router, new Ferry.Launcher ({worker_path}));
    return new Ferry.Queue (new Ferry.Executor (pool), path);
}

void open_queue (Ferry.Queue queue) throws Error {
    AsyncResult? opened = null;
    queue.open_async.begin (null, (queue, result) => opened = result);
    until (() => opened != null);
    assert_true (queue.open_async.end (opened));
}

void flush_queue (Ferry.Queue queue) throws Error {
    AsyncResult? flushed = null;
    queue.flush_async.begin (null, (queue, result) => flushed = result);
    until (() => flushed != null);
    assert_true (queue.flush_async.end (flushed));
}

void close_queue (Ferry.Queue queue) throws Error {
    AsyncResult? closed = null;
    queue.close_async.begin (null, (queue, result) => closed = result);
    until (() => closed != null);
    assert_true (queue.close_async.end (closed));
}

Ferry.Task make_sum () {
    return new Ferry.Task (Ferry.TaskKind.CALL, "add", new Variant ("(xx)", (int64) 40, (int64) 2));
}

void run_application (string path) throws Error {
    var queue = make_queue (path);
    open_queue (queue);
    var sum = queue.submit (make_sum (), "sum");
    var endless = queue.submit (new Ferry.Task (Ferry.TaskKind.CALL, "sleep-until-cancelled", null), "endless");
    until (() => sum.get_done () && endless.get_state () == Ferry.TaskState.EXECUTING);
    queue.paused = true;
    queue.submit (make_sum (), "waits");
    flush_queue (queue);
    print ("stored\n");
    stdout.flush ();
    until (() => false);
}

void kill_application (string path) throws Error {
    var application = new Subprocess (SubprocessFlags.STDOUT_PIPE, program, worker_path, path);
    var line = new DataInputStream (application.get_stdout_pipe ()).read_line ();
    assert_true (line == "stored");
    application.force_exit ();
    application.wait ();
}

void use_queue (string path) throws Error {
    var queue = make_queue (path);
    queue.start = Ferry.QueueStart.AS_IT_WAS;
    open_queue (queue);
    assert_true (queue.is_open && queue.paused && queue.get_n_items () == 3);
    assert_true (queue.lookup ("sum").get_result ().get_int64 () == 42);
    assert_true (queue.lookup ("endless").get_error ().matches (Ferry.Error.quark (), Ferry.Error.INTERRUPTED));
    var waits = queue.lookup ("waits");
    assert_true (queue.get_key (waits) == "waits" && !waits.get_done ());
    assert_true (queue.move (waits, queue.lookup ("sum")) && queue.get_item (0) == waits);
    queue.set_cluster (null);
    assert_true (queue.cluster == null && queue.set_not_before (waits, 0));
    queue.paused = false;
    until (() => waits.get_done ());
    assert_true (waits.get_result ().get_int64 () == 42);
    assert_true (queue.submit (make_sum (), "waits") == waits);
    assert_true (queue.forget ("waits") && queue.lookup ("waits") == null);
    close_queue (queue);
    assert_true (!queue.is_open);
}

void test_queue () {
    try {
        var folder = DirUtils.make_tmp ("ferry-vala-queue-XXXXXX");
        var path = Path.build_filename (folder, "queue.db");
        kill_application (path);
        use_queue (path);
        foreach (var name in new string[] {"queue.db", "queue.db.lock"})
            FileUtils.remove (Path.build_filename (folder, name));
        assert_true (DirUtils.remove (folder) == 0);
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
}

int main (string[] args) {
    program = args[0];
    worker_path = args[1];
    if (args.length > 2) {
        try {
            run_application (args[2]);
        } catch (Error error) {
            GLib.error ("%s", error.message);
        }
        return 1;
    }
    Test.init (ref args);
    Test.add_func ("/vala-queue/what-a-process-stored-that-was-killed-goes-on", test_queue);
    return Test.run ();
}
