/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Light or dark as chosen in Cockpit's own menu, which keeps it as "shell:style"; "auto" is what the system has.
 */

const dark_system = window.matchMedia("(prefers-color-scheme: dark)");

function apply(chosen) {
    const style = chosen ?? window.localStorage.getItem("shell:style") ?? "auto";
    const dark = style === "dark" || (style === "auto" && dark_system.matches);
    document.documentElement.classList.toggle("dark", dark);
}

export function follow_theme() {
    window.addEventListener("storage", event => event.key === "shell:style" && apply());
    window.addEventListener("cockpit-style", event => apply(event.detail?.style));
    dark_system.addEventListener("change", () => apply());
    apply();
}
