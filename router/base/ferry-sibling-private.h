/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What private functions carry that a sibling library of the same version calls, such as that of the cluster: the
 * shared library exports them. No installed header declares them, and they change with any version. */

#pragma once

#define FERRY_FOR_SIBLINGS __attribute__ ((visibility ("default")))
