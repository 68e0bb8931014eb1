// SPDX-FileCopyrightText: The Ferry authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Widgets of tasks, from Vala: test-vala-gtk WORKER. The worker is tests/workers/serving-worker.c.

string worker_path;

void test_list () {
    try {
        var executor = new Ferry.Executor.for_program (worker_path);
        var list = new Ferry.TaskList (executor);
        var window = new Gtk.Window ();
        var header = new Gtk.HeaderBar ();
        header.pack_end (new Ferry.TaskButton (executor));
        window.titlebar = header;
        window.child = list;
        list.executor = executor;
        window.present ();
        var task = executor.submit ("add", new Variant ("(xx)", (int64) 40, (int64) 2));
        until (() => task.get_done () && list.tasks.get_n_items () == 1);
        list.selected_task = task;
        assert_true (list.selected_task == task);
        window.close ();
        executor.stop ();
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
}

void test_monitor () {
    try {
        var executor = new Ferry.Executor.for_program (worker_path);
        var task = executor.submit ("fail", new Variant ("(sis)", "g-file-error-quark", 4, "It is not there"));
        var monitor = new Ferry.TaskMonitor (task, null);
        string title, detail;
        bool can_retry;
        until (() => task.get_done () && monitor.status == Ferry.TaskStatus.FAILED);
        assert_true (Ferry.task_describe_error (task, out title, out detail, out can_retry));
        assert_true (!can_retry && title != "" && detail.contains ("It is not there"));
        executor.stop ();
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
}

// The guard is the window's, and whoever has a field for it may keep it for longer.
void test_guard () {
    try {
        var executor = new Ferry.Executor.for_program (worker_path);
        var window = new Gtk.Window ();
        window.present ();
        Ferry.TaskGuard? guard = Ferry.TaskGuard.add (executor, window);
        weak Ferry.TaskGuard of_window = guard;
        guard = null;
        assert_true (of_window.window == window);
        guard = of_window;
        window.destroy ();
        assert_true (guard.window == null);
        of_window.add_weak_pointer (&of_window);
        guard = null;
        assert_true (of_window == null);
        executor.stop ();
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
}

void test_template () {
    var builder = new Gtk.Builder ();
    try {
        builder.add_from_string ("<interface><object class='FerryWorkerList' id='workers'/></interface>", -1);
    } catch (Error error) {
        GLib.error ("%s", error.message);
    }
    assert_true (((Gtk.Widget) builder.get_object ("workers")).get_type ().name () == "FerryWorkerList");
}

int main (string[] args) {
    Test.init (ref args);
    worker_path = args[1];
    if (!Gtk.init_check ()) {
        print ("1..0 # SKIP there is no display\n");
        return 0;
    }
    Test.add_func ("/vala-gtk/a-list-and-a-button-show-tasks", test_list);
    Test.add_func ("/vala-gtk/a-monitor-tells-a-failure", test_monitor);
    Test.add_func ("/vala-gtk/a-guard-lives-as-long-as-its-window", test_guard);
    Test.add_func ("/vala-gtk/a-template-names-a-widget-that-nothing-has-used", test_template);
    return Test.run ();
}
