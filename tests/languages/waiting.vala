// SPDX-FileCopyrightText: The Ferry authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Looks until the condition holds, also where nothing of the main loop tells of it.
void until (owned SourceFunc condition) {
    var timer = Timeout.add (20, () => Source.CONTINUE);
    while (!condition ())
        MainContext.default ().iteration (true);
    Source.remove (timer);
}
