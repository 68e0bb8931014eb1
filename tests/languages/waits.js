// SPDX-FileCopyrightText: The Ferry authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Waits on the main context, and errors that are expected.

import Ferry from 'gi://Ferry?version=1';
import GLib from 'gi://GLib';

// Waits for what begins asynchronously. Returns what finish (result) returns, or throws.
export function complete(start, finish) {
    const loop = GLib.MainLoop.new(null, false);
    let result = null;
    start((source, outcome) => {
        result = outcome;
        loop.quit();
    });
    loop.run();
    return finish(result);
}

// Has the main context work until a condition holds.
export function until(condition) {
    while (!condition())
        GLib.MainContext.default().iteration(true);
}

// The error that a function throws.
export function raised(run) {
    try {
        run();
    } catch (error) {
        return error;
    }
    return null;
}

export function isError(error, code) {
    return error instanceof GLib.Error && error.matches(Ferry.Error.quark(), code);
}
