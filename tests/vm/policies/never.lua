-- Takes every task and decides nothing.
return { name = "never", enqueue = function() end }
