/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/app/ferry-demo-plot.c,
 *        demo-app/commands/ferry-demo-commands-page.c,
 *        demo-app/pipes/ferry-demo-pipe.c, demo-app/pipes/worker-pipe.c,
 *        demo-app/robust/ferry-demo-robust-page.c, demo-app/robust/worker-ill.c,
 *        demo-app/start/ferry-demo-start-page.c, demo-app/start/worker-loop.c
 *
 * The pages that show pipes and frames, with real workers: what they show, and what is left of them when they are
 * hidden. */

#include "config.h"

#include "demo-app/pictures/ferry-demo-pictures-page.h"
#include "picture-test.h"
#include "window-test.h"

#include <stdio.h>
#include <string.h>

static const char *const pages[] = {"start", "tasks", "commands", "pictures", "robust", "object"};

/* More than a page has. */
#define MAX_STOPS 200

typedef struct
{
  WindowTest *test;
  const char *label;
  const char *words;
} Fact;

static const char *
get_words (WindowTest *test, const char *label)
{
  return gtk_label_get_text (GTK_LABEL (window_test_get_child (test, "start", label)));
}

static gboolean
has_words (gpointer data)
{
  const Fact *fact = data;

  return strstr (get_words (fact->test, fact->label), fact->words) != NULL;
}

/* Of a row of the start page, which may be hidden. */
static void
wait_words (WindowTest *test, const char *label, const char *words)
{
  Fact fact = {test, label, words};

  ferry_test_look_until (has_words, &fact);
}

/* Rows of a list are reached with the arrow keys, and so are no stops of their own. The buttons of the window itself
 * have keys of the desktop. */
static gboolean
has_no_stops (GtkWidget *widget)
{
  return !gtk_widget_get_mapped (widget) || !gtk_widget_is_sensitive (widget) || GTK_IS_LIST_VIEW (widget) ||
         GTK_IS_GRID_VIEW (widget) || GTK_IS_SCROLLBAR (widget) || GTK_IS_WINDOW_CONTROLS (widget);
}

static void
find_controls (GtkWidget *widget, GPtrArray *controls)
{
  if (has_no_stops (widget))
    return;
  if (GTK_IS_BUTTON (widget) || GTK_IS_RANGE (widget) || GTK_IS_SPIN_BUTTON (widget) || GTK_IS_SWITCH (widget))
    {
      g_ptr_array_add (controls, widget);
      return;
    }
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child; child = gtk_widget_get_next_sibling (child))
    find_controls (child, controls);
}

/* Tab goes past what no frame has laid out. A walk then takes so long that the page's messages keep each frame waiting.
 */
static gboolean
are_laid_out (GPtrArray *controls)
{
  for (guint i = 0; i < controls->len; i++)
    if (gtk_widget_get_width (controls->pdata[i]) == 0)
      return FALSE;
  return TRUE;
}

/* Tab goes on from each stop, also while what comes next is not sensitive. */
static GtkWidget *
step (GtkWidget *window, GtkDirectionType direction)
{
  GtkWidget *before = gtk_window_get_focus (GTK_WINDOW (window));
  gboolean has_gone = gtk_widget_child_focus (window, direction);

  g_assert_true (!has_gone || gtk_window_get_focus (GTK_WINDOW (window)) != before);
  return has_gone ? gtk_window_get_focus (GTK_WINDOW (window)) : NULL;
}

/* Newer versions of GTK leave no row of a list by Tab in a window without the keyboard, which the window of another
 * test may have taken. Two that take it from each other let each other walk. */
static gboolean
has_keyboard (GtkWindow *window)
{
  static gint64 taken_at;
  const gint64 now = g_get_monotonic_time ();

  if (gtk_window_is_active (window))
    return TRUE;
  if (now - taken_at > G_USEC_PER_SEC)
    {
      gtk_window_present (window);
      taken_at = now;
    }
  return FALSE;
}

/* Whether Tab goes over each control of the window, twice: it is not caught anywhere. */
static gboolean
is_walked_through (GtkWidget *window, GtkDirectionType direction)
{
  gtk_window_set_focus (GTK_WINDOW (window), NULL);
  for (guint round = 0; round < 2; round++)
    {
      g_autoptr (GPtrArray) controls = g_ptr_array_new ();
      GtkWidget *focus;

      find_controls (window, controls);
      if (!are_laid_out (controls))
        return FALSE;
      for (guint n_stops = 0; controls->len > 0 && (focus = step (window, direction)) != NULL; n_stops++)
        {
          if (n_stops > MAX_STOPS)
            return FALSE;
          for (guint i = controls->len; i > 0; i--)
            if (focus == controls->pdata[i - 1] || gtk_widget_is_ancestor (focus, controls->pdata[i - 1]))
              g_ptr_array_remove_index_fast (controls, i - 1);
        }
      if (controls->len > 0)
        return FALSE;
    }
  return TRUE;
}

static gboolean
is_reached_by_tab (gpointer window)
{
  return has_keyboard (window) && is_walked_through (window, GTK_DIR_TAB_FORWARD) &&
         is_walked_through (window, GTK_DIR_TAB_BACKWARD);
}

static void
walk_through (WindowTest *test, const char *page)
{
  window_test_show_page (test, page);
  g_test_message ("The page %s", page);
  ferry_test_look_until (is_reached_by_tab, test->window);
}

/* A page changes while it is walked through, as its work goes on: one walk of several has to reach all. */
static void
test_each_control_is_reached_by_tab (WindowTest *test, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (pages); i++)
    walk_through (test, pages[i]);
  window_test_wait_state (window_test_add_task (test, "primes:1000"), FERRY_TASK_STATUS_DONE);
  window_test_wait_state (window_test_add_task (test, "crash"), FERRY_TASK_STATUS_CRASHED);
  walk_through (test, "tasks");
}

static GtkWidget *
get_page (WindowTest *test, const char *page)
{
  return ferry_demo_window_get_page (FERRY_DEMO_WINDOW (test->window), page);
}

static GtkWidget *
find_transient (WindowTest *test)
{
  g_autoptr (GList) windows = gtk_window_list_toplevels ();

  for (GList *item = windows; item != NULL; item = item->next)
    if (gtk_window_get_transient_for (item->data) == GTK_WINDOW (test->window))
      return item->data;
  return NULL;
}

static void
test_escape_closes_the_source (WindowTest *test, gconstpointer data)
{
  window_test_activate (test, "page.view-source");
  widget_test_press (find_transient (test), "Escape");
  g_assert_null (find_transient (test));
}

static GtkWidget *
find_view (GtkWidget *widget)
{
  if (GTK_IS_LIST_VIEW (widget) || GTK_IS_GRID_VIEW (widget))
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child; child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = gtk_widget_get_mapped (child) ? find_view (child) : NULL;

      if (found != NULL)
        return found;
    }
  return NULL;
}

static GtkWidget *
get_focus_within (GtkWidget *view)
{
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (gtk_widget_get_root (view)));

  return focus != NULL && gtk_widget_is_ancestor (focus, view) ? focus : NULL;
}

/* From one item to the next, as far as they have been drawn. In newer GTK the key selects the item that has the focus,
 * and goes on from there when it is pressed again. Tab would go on by itself, up to the last item. */
static gboolean
goes_on (gpointer page)
{
  GtkWidget *view = find_view (page);
  const char *key = view != NULL && GTK_IS_GRID_VIEW (view) ? "Right" : "Down";
  GtkWidget *before, *after;

  if (view == NULL)
    return FALSE;
  if (get_focus_within (view) == NULL)
    gtk_widget_child_focus (view, GTK_DIR_TAB_FORWARD);
  before = get_focus_within (view);
  if (before == NULL)
    return FALSE;
  widget_test_press (view, key);
  after = get_focus_within (view);
  return after != NULL && after != before;
}

static void
test_arrows_go_from_item_to_item (WindowTest *test, gconstpointer data)
{
  static const char *const with_items[] = {"tasks", "pictures"};
  char *folder;

  folder = demo_test_folder_new ();
  picture_test_write_many (folder, 5);
  ferry_demo_pictures_page_open (
    FERRY_DEMO_PICTURES_PAGE (ferry_demo_window_get_page (FERRY_DEMO_WINDOW (test->window), "pictures")), folder);
  for (guint i = 0; i < 3; i++)
    window_test_wait_row (test, window_test_add_task (test, "primes:1000"));
  for (guint i = 0; i < G_N_ELEMENTS (with_items); i++)
    {
      GtkWidget *page = get_page (test, with_items[i]);

      window_test_show_page (test, with_items[i]);
      g_test_message ("The page %s", with_items[i]);
      ferry_test_look_until (goes_on, page);
    }
  demo_test_folder_remove (folder);
}

static void
test_source_is_shown (WindowTest *test, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (pages); i++)
    {
      g_autoptr (GList) windows = NULL;
      guint n_shown = 0;

      window_test_show_page (test, pages[i]);
      window_test_activate (test, "page.view-source");
      windows = gtk_window_list_toplevels ();
      for (GList *item = windows; item != NULL; item = item->next)
        if (gtk_window_get_transient_for (item->data) == GTK_WINDOW (test->window))
          {
            GtkWidget *view = gtk_scrolled_window_get_child (GTK_SCROLLED_WINDOW (gtk_window_get_child (item->data)));
            GtkTextBuffer *buffer = gtk_text_view_get_buffer (GTK_TEXT_VIEW (view));
            GtkTextIter begin, end;
            g_autofree char *text = NULL;

            gtk_text_buffer_get_bounds (buffer, &begin, &end);
            text = gtk_text_buffer_get_text (buffer, &begin, &end, TRUE);
            g_assert_nonnull (strstr (text, "ferry_"));
            gtk_window_destroy (item->data);
            n_shown++;
          }
      g_assert_cmpuint (n_shown, ==, 1);
    }
}

static void
activate (WindowTest *test, const char *action)
{
  g_assert_true (
    gtk_widget_activate_action (ferry_demo_window_get_page (FERRY_DEMO_WINDOW (test->window), NULL), action, NULL));
}

static double
get_fraction (WindowTest *test)
{
  return gtk_progress_bar_get_fraction (GTK_PROGRESS_BAR (window_test_get_child (test, "start", "bar")));
}

/* The time that is in the words. */
static double
read_seconds (const char *words)
{
  double number = 0.0;
  char unit[4] = "";

  g_assert_cmpint (sscanf (words, "%*[^0-9]%lf\302\240%3s", &number, unit), ==, 2);
  return g_str_equal (unit, "s") ? number : number / 1000.0;
}

static const char *
get_label (WindowTest *test, const char *button)
{
  return gtk_button_get_label (GTK_BUTTON (window_test_get_child (test, "start", button)));
}

static void
click (WindowTest *test, const char *button)
{
  g_signal_emit_by_name (window_test_get_child (test, "start", button), "clicked");
}

static void
press_start_and_compare (WindowTest *test)
{
  const char *own;
  double frozen;

  activate (test, "start.work");
  wait_words (test, "loop_words", "Frozen, for ");
  wait_words (test, "loop_words", "Frozen for ");
  frozen = read_seconds (get_words (test, "loop_words"));
  g_assert_cmpfloat (frozen, >=, 4.0);
  g_assert_cmpfloat (get_fraction (test), ==, 1.0);
  own = get_words (test, "own_words");
  /* On a machine that is very busy it is that for a moment. */
  if (!g_str_equal (own, "Responded all the time"))
    g_assert_cmpfloat (read_seconds (own), <, frozen);
}

static float
get_top (WindowTest *test, const char *name)
{
  graphene_rect_t bounds;

  g_assert_true (gtk_widget_compute_bounds (window_test_get_child (test, "start", name), test->window, &bounds));
  return bounds.origin.y;
}

/* One freezes for as long as the work takes, and the other one does not, each time. Frames of the first one that were
 * sent before it began are no word of its end. What comes at the end moves nothing from under the pointer. */
static void
test_work_freezes_one_of_two (WindowTest *test, gconstpointer data)
{
  GtkWidget *next = window_test_get_child (test, "start", "next");
  float top;

  window_test_show_page (test, "start");
  g_assert_false (gtk_widget_get_sensitive (next));
  g_assert_cmpfloat (gtk_widget_get_opacity (next), ==, 0.0);
  activate (test, "start.work");
  wait_words (test, "loop_words", "Frozen, for ");
  top = get_top (test, "bar");
  wait_words (test, "loop_words", "Frozen for ");
  for (guint i = 0; i < 2; i++)
    press_start_and_compare (test);
  g_assert_true (gtk_widget_get_sensitive (next));
  g_assert_cmpfloat (gtk_widget_get_opacity (next), ==, 1.0);
  g_assert_cmpfloat (get_top (test, "bar"), ==, top);
}

static void
test_click_waits_for_the_one_that_freezes (WindowTest *test, gconstpointer data)
{
  window_test_show_page (test, "start");
  activate (test, "start.work");
  wait_words (test, "loop_words", "Frozen, for ");
  click (test, "loop_button");
  click (test, "loop_button");
  click (test, "own_button");
  g_assert_cmpstr (get_label (test, "loop_button"), ==, "Click Me");
  g_assert_cmpstr (get_label (test, "own_button"), ==, "1 Click");
  wait_words (test, "loop_words", "Frozen for ");
  g_assert_cmpstr (get_label (test, "loop_button"), ==, "2 Clicks");
}

/* What was stopped half-way would say that the main loop froze for less time than Ferry's window. The button is pressed
 * before the other process can have heard of it, and its work begins then. */
static void
test_work_left_half_way_proves_nothing (WindowTest *test, gconstpointer data)
{
  window_test_show_page (test, "start");
  activate (test, "start.work");
  wait_words (test, "loop_words", "Frozen, for ");
  window_test_show_page (test, "tasks");
  wait_words (test, "loop_words", "does the work itself");
  wait_words (test, "own_words", "worker does the work");
  window_test_show_page (test, "start");
  g_assert_cmpfloat (get_fraction (test), ==, 0.0);
}

/* Each says in words of its own how it ended, and one row what that has cost. */
static void
test_trials_cost_the_others_nothing (WindowTest *test, gconstpointer data)
{
  static const struct
  {
    const char *title;
    const char *outcome;
  } ends[] = {{"Crash", "Crashed: "}, {"Hang", "Stopped: "}, {"Send Garbage", "Cut off: "}};

  window_test_show_page (test, "robust");
  window_test_wait_words (test->window, "messages/s");
  g_assert_nonnull (widget_test_find_words (test->window, "no losses"));
  gtk_widget_activate_action (get_page (test, "robust"), "robust.try", "u", 3);
  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      GtkWidget *title = widget_test_find_words (test->window, ends[i].title);

      window_test_wait_words (gtk_widget_get_ancestor (title, ADW_TYPE_ACTION_ROW), ends[i].outcome);
    }
  window_test_wait_words (window_test_get_child (test, "robust", "cost_row"), "Nothing lost, and no pause longer than");
}

/* ---- what all pages have in common ---- */

/* (nullable): the first one, without those that a status page has */
static GtkWidget *
find_clamp (GtkWidget *widget)
{
  GtkWidget *found = ADW_IS_CLAMP (widget) || ADW_IS_CLAMP_SCROLLABLE (widget) ? widget : NULL;

  if (ADW_IS_STATUS_PAGE (widget))
    return NULL;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL && found == NULL;
       child = gtk_widget_get_next_sibling (child))
    found = find_clamp (child);
  return found;
}

/* What is shown does not jump from one page to the next. */
static void
test_pages_have_one_width (WindowTest *test, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (pages); i++)
    {
      GtkWidget *clamp = find_clamp (get_page (test, pages[i]));

      g_test_message ("The page %s", pages[i]);
      g_assert_nonnull (clamp);
      g_assert_cmpfloat (ferry_test_get_number (clamp, "maximum-size"), ==, 800.0);
      g_assert_cmpfloat (ferry_test_get_number (clamp, "tightening-threshold"), ==, 800.0);
    }
}

static void
assert_groups (GtkWidget *widget)
{
  if (GTK_IS_FLOW_BOX (widget) || GTK_IS_FLOW_BOX_CHILD (widget))
    g_assert_cmpint (gtk_accessible_get_accessible_role (GTK_ACCESSIBLE (widget)), ==, GTK_ACCESSIBLE_ROLE_GROUP);
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child; child = gtk_widget_get_next_sibling (child))
    assert_groups (child);
}

/* And not as tables with cells, which GTK takes boxes that flow for. */
static void
test_toolbars_are_read_as_groups (WindowTest *test, gconstpointer data)
{
  assert_groups (test->window);
}

static GtkWidget *
get_part (WindowTest *test, const char *name)
{
  return GTK_WIDGET (gtk_widget_get_template_child (test->window, FERRY_DEMO_TYPE_WINDOW, name));
}

/* Tab enters it at the row of the page, and goes on behind it. The arrows show the other pages. */
static void
test_list_of_pages_is_one_stop (WindowTest *test, gconstpointer data)
{
  GtkWidget *list = get_part (test, "list"), *rows = get_part (test, "rows");

  window_test_show_page (test, "pictures");
  gtk_window_set_focus (GTK_WINDOW (test->window), NULL);
  g_assert_true (gtk_widget_child_focus (list, GTK_DIR_TAB_FORWARD));
  g_assert_true (gtk_window_get_focus (GTK_WINDOW (test->window)) ==
                 GTK_WIDGET (gtk_list_box_get_selected_row (GTK_LIST_BOX (rows))));
  g_assert_false (gtk_widget_child_focus (list, GTK_DIR_TAB_FORWARD));
  g_assert_false (gtk_widget_child_focus (list, GTK_DIR_TAB_BACKWARD));
  widget_test_press (rows, "Down");
  g_assert_true (ferry_demo_window_get_page (FERRY_DEMO_WINDOW (test->window), NULL) == get_page (test, "robust"));
}

/* No worker, and no frame. */
static void
test_hidden_page_costs_nothing (WindowTest *test, gconstpointer data)
{
  static const char *const busy[] = {"start", "robust"};

  for (guint i = 0; i < G_N_ELEMENTS (busy); i++)
    {
      window_test_show_page (test, busy[i]);
      demo_test_wait_workers (i == 0 ? 1 : 2);
      window_test_show_page (test, "tasks");
      demo_test_wait_workers (0);
    }
}

int
main (int argc, char **argv)
{
  window_test_init (&argc, &argv);
  window_test_add ("/pages/each-control-is-reached-by-tab", test_each_control_is_reached_by_tab);
  window_test_add ("/pages/escape-closes-the-source", test_escape_closes_the_source);
  window_test_add ("/pages/arrows-go-from-item-to-item", test_arrows_go_from_item_to_item);
  window_test_add ("/pages/source-is-shown", test_source_is_shown);
  window_test_add ("/pages/work-freezes-one-of-two", test_work_freezes_one_of_two);
  window_test_add ("/pages/click-waits-for-the-one-that-freezes", test_click_waits_for_the_one_that_freezes);
  window_test_add ("/pages/work-left-half-way-proves-nothing", test_work_left_half_way_proves_nothing);
  window_test_add ("/pages/trials-cost-the-others-nothing", test_trials_cost_the_others_nothing);
  window_test_add ("/pages/pages-have-one-width", test_pages_have_one_width);
  window_test_add ("/pages/toolbars-are-read-as-groups", test_toolbars_are_read_as_groups);
  window_test_add ("/pages/list-of-pages-is-one-stop", test_list_of_pages_is_one_stop);
  window_test_add ("/pages/hidden-page-costs-nothing", test_hidden_page_costs_nothing);
  return demo_test_run_all ();
}
